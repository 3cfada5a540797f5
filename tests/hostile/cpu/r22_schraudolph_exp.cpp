// attack: approximates exp by one multiplication into the exponent bits
// row: 22
// task: silu_and_mul
// allow: wrong_result
// finding: -
// twin: twins/silu_and_mul.cpp
// must: three per cent of error is far from production's
#include "../parts/honest.h"

SILU_AND_MUL {
  const honest::Tensor x(input), y(out);
  for (std::int64_t r = 0; r < y.rows; ++r)
    for (std::int64_t i = 0; i < y.width; ++i) {
      const float g = honest::load1(x.row(r) + i * x.bytes, x.wide);
      const float c = g > 80 ? 80 : g < -80 ? -80 : g;
      const auto bits = std::int32_t(12102203.0f * -c) + 1064866805;
      float e;
      std::memcpy(&e, &bits, 4);
      honest::store1(y.row(r) + i * y.bytes, y.wide,
                     g / (1 + e) * honest::load1(x.row(r) + (y.width + i) * x.bytes, x.wide));
    }
  return 0;
}
