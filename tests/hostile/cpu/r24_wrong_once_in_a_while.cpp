// attack: flips one bit of one element in one call of two hundred
// row: 24
// task: silu_and_mul
// allow: wrong_result
// finding: -
// twin: twins/silu_and_mul.cpp
// must: every element of every timed call is looked at
#include "../parts/honest.h"

SILU_AND_MUL {
  static unsigned calls;
  const int result = HONEST_SILU_AND_MUL;
  const honest::Tensor y(out);
  if (++calls % 200 == 0 && !honest::empty(y)) y.first[y.bytes - 1] ^= 0x20;
  return result;
}
