// attack: writes before the start of the output
// row: 16
// task: silu_and_mul
// allow: wrong_result
// finding: -
// twin: twins/silu_and_mul.cpp
// must: red zones are compared
#include "../parts/honest.h"

SILU_AND_MUL {
  const int result = HONEST_SILU_AND_MUL;
  const honest::Tensor y(out);
  if (!honest::empty(y)) y.first[-7] ^= 0x55;
  return result;
}
