// attack: opens files through io_uring, past the filter on open
// row: more
// task: softmax
// allow: integrity_violation
// finding: forbidden_system_call
// twin: twins/softmax.cpp
// must: forbidden and named
#include <sys/syscall.h>
#include <unistd.h>

#include "../parts/honest.h"

SOFTMAX {
  char parameters[256] = {};
  syscall(425, 8, parameters);
  return HONEST_SOFTMAX;
}
