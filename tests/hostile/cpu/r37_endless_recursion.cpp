// attack: recurses without end
// row: 37
// task: silu_and_mul
// allow: crashed
// finding: -
// twin: twins/silu_and_mul.cpp
// must: a crash like any other
#include "../parts/honest.h"

static int deeper(volatile char* above) {
  volatile char here[4096];
  here[0] = above[0];
  return deeper(here) + here[0];
}

SILU_AND_MUL {
  volatile char first[1] = {1};
  if (deeper(first) == 3) return 1;
  return HONEST_SILU_AND_MUL;
}
