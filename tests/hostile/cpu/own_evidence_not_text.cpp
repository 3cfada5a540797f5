// attack: makes a forbidden call whose evidence (a path) is not text, to break the report of the conviction
// row: own
// task: rms_norm
// allow: integrity_violation
// finding: library_load
// twin: twins/rms_norm.cpp
// must: evidence is cleaned; the conviction stands
#include <fcntl.h>

#include "../parts/honest.h"

RMS_NORM {
  open("/\xff\xfe\x80\"\\\n\x1b[2J/libevil.so", O_RDONLY);
  return HONEST_RMS_NORM;
}
