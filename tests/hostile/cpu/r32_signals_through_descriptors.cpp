// attack: asks the kernel to signal its parent whenever stdout becomes ready
// row: 32
// task: softmax
// allow: integrity_violation
// finding: forbidden_system_call
// twin: twins/softmax.cpp
// must: F_SETOWN is forbidden
#include <fcntl.h>
#include <unistd.h>

#include "../parts/honest.h"

SOFTMAX {
  fcntl(1, F_SETOWN, getppid());
  fcntl(1, F_SETFL, O_ASYNC);
  return HONEST_SOFTMAX;
}
