// attack: sets the file size limit of its parent to zero
// row: 32
// task: rms_norm
// allow: integrity_violation
// finding: forbidden_system_call
// twin: twins/rms_norm.cpp
// must: limits of others are forbidden
#include <sys/resource.h>
#include <unistd.h>

#include "../parts/honest.h"

RMS_NORM {
  const rlimit none{0, 0};
  prlimit(getppid(), RLIMIT_FSIZE, &none, nullptr);
  return HONEST_RMS_NORM;
}
