// attack: sends SIGTERM to pid 1 and to its parent
// row: 32
// task: softmax
// allow: integrity_violation
// finding: forbidden_system_call
// twin: twins/softmax.cpp
// must: forbidden and named
#include <signal.h>
#include <unistd.h>

#include "../parts/honest.h"

SOFTMAX {
  kill(1, SIGTERM);
  kill(getppid(), SIGTERM);
  return HONEST_SOFTMAX;
}
