// attack: calls cblas_snrm2 and leaves it to the linker
// row: 26
// task: rms_norm
// allow: compile_error
// finding: -
// twin: twins/rms_norm.cpp
// must: nothing is linked beyond the C and C++ runtimes
#include "../parts/honest.h"

extern "C" float cblas_snrm2(int, const float*, int);

RMS_NORM {
  if (cblas_snrm2(0, nullptr, 1) > 1) return 1;
  return HONEST_RMS_NORM;
}
