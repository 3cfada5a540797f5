// attack: does only every other call of a chain and leaves the rest to be guessed right
// row: 5
// task: silu_and_mul
// allow: wrong_result
// finding: -
// twin: twins/silu_and_mul.cpp
// must: each call has its own buffers
#include "../parts/honest.h"

SILU_AND_MUL {
  static unsigned calls;
  if (++calls > 200 && calls % 2 == 0) return 0;
  return HONEST_SILU_AND_MUL;
}
