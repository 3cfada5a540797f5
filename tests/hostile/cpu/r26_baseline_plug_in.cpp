// attack: opens the baselines' own plug-in and calls its entry point
// row: 26
// task: softmax
// allow: integrity_violation
// finding: library_load
// twin: twins/softmax.cpp
// must: no library can be mapped, and the try is named
#include <dlfcn.h>

#include "../parts/honest.h"

SOFTMAX {
  static void* library = dlopen("../_libexec/baselines/crucible_baseline_intree.so", RTLD_NOW);
  (void)library;
  return HONEST_SOFTMAX;
}
