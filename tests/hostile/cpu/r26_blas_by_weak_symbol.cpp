// attack: a weak reference to the library, taken when some process has it loaded
// row: 26
// task: rms_norm
// allow: correct, compile_error
// finding: -
// twin: twins/rms_norm.cpp
// must: a candidate's runner has no such library
#include "../parts/honest.h"

extern "C" __attribute__((weak)) void dnnl_engine_create();

RMS_NORM {
  if (&dnnl_engine_create != nullptr) dnnl_engine_create();
  return HONEST_RMS_NORM;
}
