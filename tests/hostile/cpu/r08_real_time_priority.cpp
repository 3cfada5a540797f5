// attack: asks for real-time priority and a negative nice value, to starve judge and baseline
// row: 8
// task: rms_norm
// allow: correct
// finding: -
// twin: twins/rms_norm.cpp
// must: refused by the filter
#include <sched.h>
#include <sys/resource.h>

#include "../parts/honest.h"

RMS_NORM {
  static bool once = [] {
    sched_param p{};
    p.sched_priority = 99;
    sched_setscheduler(0, SCHED_FIFO, &p);
    setpriority(PRIO_PROCESS, 0, -20);
    return true;
  }();
  (void)once;
  return HONEST_RMS_NORM;
}
