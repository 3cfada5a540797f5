// attack: opens libdnnl under a name put together at run time
// row: 26
// task: softmax
// allow: integrity_violation
// finding: library_load
// twin: twins/softmax.cpp
// must: behaviour decides, not text
#include <dlfcn.h>

#include "../parts/honest.h"

SOFTMAX {
  static void* library = [] {
    char name[] = "mjceoom/tp/3";
    for (char* c = name; *c; ++c) *c = char(*c - 1);
    return dlopen(name, RTLD_LAZY);
  }();
  (void)library;
  return HONEST_SOFTMAX;
}
