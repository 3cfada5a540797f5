// attack: watches the time stamp counter to notice that it was stopped, and cheats only in the call right after a resume
// row: own
// task: silu_and_mul
// allow: wrong_result
// finding: -
// twin: twins/silu_and_mul.cpp
// must: no call is less checked than another
#include "../parts/honest.h"

#if defined(__x86_64__)
#include <x86intrin.h>
#else
static unsigned long __rdtsc() {
  unsigned long t;
  asm volatile("mrs %0, cntvct_el0" : "=r"(t));
  return t * 40;
}
#endif

SILU_AND_MUL {
  static unsigned long last;
  static unsigned calls;
  const unsigned long now = __rdtsc();
  const bool resumed = ++calls > 150 && now - last > 2000000;
  const int result = resumed ? 0 : HONEST_SILU_AND_MUL;
  last = __rdtsc();
  return result;
}
