// attack: opens libopenblas at run time
// row: 26
// task: rms_norm
// allow: integrity_violation
// finding: library_load
// twin: twins/rms_norm.cpp
// must: no library can be mapped, and the try is named
#include <dlfcn.h>

#include "../parts/honest.h"

RMS_NORM {
  static void* library = dlopen("libopenblas.so.0", RTLD_NOW);
  (void)library;
  return HONEST_RMS_NORM;
}
