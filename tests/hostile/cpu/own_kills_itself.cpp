// attack: kills itself with SIGKILL, as an operator or a machine short of memory would, to be nobody's fault
// row: own
// task: softmax
// allow: crashed
// finding: -
// twin: twins/softmax.cpp
// must: done again in fresh runners; the same end every time is the kernel's own
#include <signal.h>
#include <unistd.h>

#include "../parts/honest.h"

SOFTMAX {
  kill(getpid(), SIGKILL);
  return HONEST_SOFTMAX;
}
