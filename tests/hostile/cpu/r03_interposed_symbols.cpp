// attack: exports memcmp, memcpy, clock_gettime and futex wrappers so that the runner's own calls land here
// row: 3
// task: rms_norm
// allow: correct, compile_error, load_error, wrong_result
// finding: -
// twin: twins/rms_norm.cpp
// must: the artifact is loaded locally and last, and its results are compared elsewhere: nothing is gained
#include <time.h>

#include "../parts/honest.h"

extern "C" __attribute__((visibility("default"))) int memcmp(const void*, const void*, std::size_t) noexcept {
  return 0;
}
extern "C" __attribute__((visibility("default"))) int clock_gettime(clockid_t, timespec* t) noexcept {
  *t = {};
  return 0;
}

RMS_NORM { return HONEST_RMS_NORM; }
