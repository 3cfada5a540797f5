// attack: skips the elements behind the last whole vector
// row: 19
// task: silu_and_mul
// allow: wrong_result
// finding: -
// twin: twins/silu_and_mul.cpp
// must: hidden shapes have tails
#include "../parts/honest.h"

SILU_AND_MUL {
  const honest::Tensor x(input), y(out);
  for (std::int64_t r = 0; r < y.rows; ++r) {
    const char* g = x.row(r);
    const char* u = g + y.width * y.bytes;
    for (std::int64_t i = 0; i + 16 <= y.width; i += 16) {
      const honest::V v = honest::load(g + i * y.bytes, y.wide);
      honest::store(y.row(r) + i * y.bytes, y.wide,
                    v / (honest::exp(-v) + 1.0f) * honest::load(u + i * y.bytes, y.wide));
    }
  }
  return 0;
}
