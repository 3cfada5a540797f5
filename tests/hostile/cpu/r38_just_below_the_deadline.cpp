// attack: takes nine tenths of the deadline in every call, so that one evaluation blocks the device for minutes
// row: 38
// task: rms_norm
// allow: timed_out
// finding: -
// twin: twins/rms_norm.cpp
// must: the whole evaluation has a bound, not only each call
// within: 120
#include <unistd.h>

#include "../parts/honest.h"

RMS_NORM {
  usleep(1800000);
  return HONEST_RMS_NORM;
}
