// attack: tells the timed runner by its affinity of one core and does nothing there
// row: 4
// task: silu_and_mul
// allow: wrong_result, correct
// finding: -
// twin: twins/silu_and_mul.cpp
// must: timed outputs are checked; where the host has one core, it is a no-op everywhere
#include <sched.h>

#include "../parts/honest.h"

SILU_AND_MUL {
  static const bool one = [] {
    cpu_set_t set;
    CPU_ZERO(&set);
    sched_getaffinity(0, sizeof set, &set);
    return CPU_COUNT(&set) == 1;
  }();
  if (one) return 0;
  return HONEST_SILU_AND_MUL;
}
