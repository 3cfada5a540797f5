// attack: ignores the second half of the input
// row: 18
// task: silu_and_mul
// allow: wrong_result
// finding: -
// twin: twins/silu_and_mul.cpp
// must: wrong
#include "../parts/honest.h"

SILU_AND_MUL {
  const honest::Tensor x(input), y(out);
  for (std::int64_t r = 0; r < y.rows; ++r)
    for (std::int64_t i = 0; i < y.width; ++i) {
      const float g = honest::load1(x.row(r) + i * x.bytes, x.wide);
      honest::store1(y.row(r) + i * y.bytes, y.wide, g / (1 + std::exp(-g)));
    }
  return 0;
}
