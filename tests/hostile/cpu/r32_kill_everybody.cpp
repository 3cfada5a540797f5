// attack: kill(-1, SIGKILL)
// row: 32
// task: rms_norm
// allow: integrity_violation
// finding: forbidden_system_call
// twin: twins/rms_norm.cpp
// must: forbidden and named
#include <signal.h>

#include "../parts/honest.h"

RMS_NORM {
  kill(-1, SIGKILL);
  return HONEST_RMS_NORM;
}
