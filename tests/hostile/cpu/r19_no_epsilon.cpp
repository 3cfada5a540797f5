// attack: leaves epsilon out
// row: 19
// task: rms_norm
// allow: wrong_result
// finding: -
// twin: twins/rms_norm.cpp
// must: tiny rows and another epsilon expose it
#include "../parts/honest.h"

RMS_NORM {
  (void)epsilon;
  return honest::rms_norm(out, input, weight, 0);
}
