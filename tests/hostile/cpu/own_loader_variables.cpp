// attack: sets LD_AUDIT and LD_PRELOAD for whatever is loaded next, and loads itself again through the loader
// row: own
// task: softmax
// allow: correct, load_error, integrity_violation, crashed
// finding: -
// twin: twins/softmax.cpp
// must: no variable reaches a process that is already running, and no file can be opened
#include <dlfcn.h>
#include <stdlib.h>

#include "../parts/honest.h"

SOFTMAX {
  static bool once = [] {
    setenv("LD_AUDIT", "/proc/self/fd/4", 1);
    setenv("LD_PRELOAD", "/proc/self/fd/4", 1);
    dlmopen(LM_ID_NEWLM, "libm.so.6", RTLD_NOW);
    return true;
  }();
  (void)once;
  return HONEST_SOFTMAX;
}
