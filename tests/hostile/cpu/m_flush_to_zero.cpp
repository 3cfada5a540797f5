// attack: switches denormals off for itself and leaves the mode on
// row: more
// task: rms_norm
// allow: correct, wrong_result
// finding: -
// twin: twins/rms_norm.cpp
// must: it harms only itself, and the runner starts each call afresh
#include "../parts/honest.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

RMS_NORM {
#if defined(__x86_64__)
  _mm_setcsr(_mm_getcsr() | 0x8040);
#endif
  return HONEST_RMS_NORM;
}
