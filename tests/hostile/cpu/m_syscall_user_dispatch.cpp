// attack: asks to be signalled at every system call of the runner, its wake-ups included
// row: more
// task: softmax
// allow: integrity_violation
// finding: forbidden_system_call
// twin: twins/softmax.cpp
// must: forbidden and named
#include <sys/prctl.h>

#include "../parts/honest.h"

SOFTMAX {
  static char selector;
  prctl(59, 1, 0, 0, &selector);
  return HONEST_SOFTMAX;
}
