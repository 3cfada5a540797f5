// attack: shrinks and seals whatever memfd it still holds
// row: 31
// task: rms_norm
// allow: integrity_violation
// finding: forbidden_system_call
// twin: twins/rms_norm.cpp
// must: the descriptors are gone, and adding seals is forbidden
#include <fcntl.h>
#include <unistd.h>

#include "../parts/honest.h"

RMS_NORM {
  for (int fd = 0; fd < 64; ++fd) {
    (void)!ftruncate(fd, 0);
    fcntl(fd, 1033, 0x10);  // F_ADD_SEALS, F_SEAL_FUTURE_WRITE
  }
  return HONEST_RMS_NORM;
}
