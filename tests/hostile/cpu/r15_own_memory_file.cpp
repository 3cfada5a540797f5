// attack: opens /proc/self/mem to read around protections
// row: 15
// task: rms_norm
// allow: integrity_violation
// finding: process_memory_access
// twin: twins/rms_norm.cpp
// must: no honest kernel opens it
#include <fcntl.h>

#include "../parts/honest.h"

RMS_NORM {
  open("/proc/self/mem", O_RDWR);
  return HONEST_RMS_NORM;
}
