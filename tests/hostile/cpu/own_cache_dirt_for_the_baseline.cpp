// attack: after its last instructions leaves megabytes of dirty lines and a lowered clock licence to whoever runs next
// row: own
// task: rms_norm
// allow: correct
// finding: -
// twin: twins/rms_norm.cpp
// must: baseline chains begin with calls that are not paid, and a slow baseline is measured again with the candidate dead
#include "../parts/honest.h"

static char dirt[8 << 20];

RMS_NORM {
  static unsigned calls;
  const int result = HONEST_RMS_NORM;
  if (++calls % 64 == 0)
    for (std::size_t i = 0; i < sizeof dirt; i += 64) dirt[i] = char(i + calls);
  return result;
}
