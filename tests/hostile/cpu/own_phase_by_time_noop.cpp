// attack: right for the first second of its life, a no-op afterwards
// row: own
// task: silu_and_mul
// allow: wrong_result, correct
// finding: -
// twin: twins/silu_and_mul.cpp
// must: timed runners are checked to the end; who never reaches the second second gains nothing
#include <ctime>

#include "../parts/honest.h"

SILU_AND_MUL {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  static const long born = now.tv_sec;
  if (now.tv_sec > born + 1) return 0;
  return HONEST_SILU_AND_MUL;
}
