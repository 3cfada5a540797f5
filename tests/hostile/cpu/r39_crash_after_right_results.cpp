// attack: crashes in the timed phase, after every case was right
// row: 39
// task: rms_norm
// allow: crashed
// finding: -
// twin: twins/rms_norm.cpp
// must: no partial credit for what came before
#include "../parts/honest.h"

RMS_NORM {
  static unsigned calls;
  if (++calls > 120) *static_cast<volatile int*>(nullptr) = 1;
  return HONEST_RMS_NORM;
}
