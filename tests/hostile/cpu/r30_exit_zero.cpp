// attack: exit(0) from inside a call
// row: 30
// task: rms_norm
// allow: crashed
// finding: -
// twin: twins/rms_norm.cpp
// must: a closed set of verdicts
#include <cstdlib>

#include "../parts/honest.h"

RMS_NORM {
  HONEST_RMS_NORM;
  std::exit(0);
}
