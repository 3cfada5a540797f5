// attack: hands rows to the next runner through a POSIX message queue
// row: own
// task: softmax
// allow: integrity_violation
// finding: forbidden_system_call
// twin: twins/softmax.cpp
// must: forbidden and named
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../parts/honest.h"

SOFTMAX {
  syscall(SYS_mq_open, "rows", O_CREAT | O_RDWR, 0600, nullptr);
  return HONEST_SOFTMAX;
}
