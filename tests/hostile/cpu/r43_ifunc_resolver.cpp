// attack: runs code from an ifunc resolver, while the loader relocates
// row: 43
// task: softmax
// allow: integrity_violation
// finding: forbidden_system_call
// twin: twins/softmax.cpp
// must: the filter stands before the artifact is loaded
#include "../parts/honest.h"

static int chosen() { return 0; }
extern "C" int (*resolve())() {
  long result;
  asm volatile("syscall" : "=a"(result) : "a"(41L), "D"(2L), "S"(1L), "d"(0L) : "rcx", "r11", "memory");  // socket
  return chosen;
}
extern "C" int dispatched() __attribute__((ifunc("resolve")));

SOFTMAX {
  if (dispatched() != 0) return 1;
  return HONEST_SOFTMAX;
}
