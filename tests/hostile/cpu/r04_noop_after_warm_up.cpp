// attack: right for the first hundred and twenty calls, a no-op afterwards
// row: 4
// task: rms_norm
// allow: wrong_result
// finding: -
// twin: twins/rms_norm.cpp
// must: every output of every timed call is checked
#include "../parts/honest.h"

RMS_NORM {
  static int calls;
  if (++calls > 120) return 0;
  return HONEST_RMS_NORM;
}
