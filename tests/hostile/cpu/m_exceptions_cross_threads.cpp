// attack: throws from an OpenMP region through the runner
// row: more
// task: silu_and_mul
// allow: crashed
// finding: -
// twin: twins/silu_and_mul.cpp
// must: a crash like any other
#include "../parts/honest.h"

SILU_AND_MUL {
  (void)out, (void)input;
#pragma omp parallel for
  for (int i = 0; i < 4; ++i)
    if (i == 3) throw i;
  return 0;
}
