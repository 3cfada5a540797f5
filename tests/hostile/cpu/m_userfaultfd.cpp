// attack: computes output pages only when somebody touches them
// row: more
// task: rms_norm
// allow: integrity_violation
// finding: forbidden_system_call
// twin: twins/rms_norm.cpp
// must: forbidden and named
#include <sys/syscall.h>
#include <unistd.h>

#include "../parts/honest.h"

RMS_NORM {
  syscall(SYS_userfaultfd, 0);
  return HONEST_RMS_NORM;
}
