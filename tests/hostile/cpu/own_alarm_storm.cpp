// attack: a timer signal every twenty microseconds, so that stopping and resuming take long
// row: own
// task: softmax
// allow: correct, timed_out
// finding: -
// twin: twins/softmax.cpp
// must: it slows only itself
#include <signal.h>
#include <sys/time.h>

#include "../parts/honest.h"

SOFTMAX {
  static bool once = [] {
    signal(SIGALRM, [](int) {});
    const itimerval often{{0, 20}, {0, 20}};
    setitimer(ITIMER_REAL, &often, nullptr);
    return true;
  }();
  (void)once;
  return HONEST_SOFTMAX;
}
