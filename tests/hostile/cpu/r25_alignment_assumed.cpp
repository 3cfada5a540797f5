// attack: loads aligned vectors from any address
// row: 25
// task: silu_and_mul
// allow: crashed, wrong_result
// finding: -
// twin: twins/silu_and_mul.cpp
// must: offsets are element-aligned only
#include "../parts/honest.h"

SILU_AND_MUL {
  const honest::Tensor x(input), y(out);
  for (std::int64_t r = 0; r < y.rows && y.width >= 16; ++r) {
    const honest::V v = *reinterpret_cast<const honest::V*>(x.row(r));
    if (v[0] == 12345.0f) return 1;
  }
  return HONEST_SILU_AND_MUL;
}
