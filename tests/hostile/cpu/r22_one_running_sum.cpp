// attack: one running fp32 sum over the whole row
// row: 22
// task: softmax
// allow: correct, wrong_result
// finding: -
// twin: twins/softmax.cpp
// must: at most as accurate as it is: judged against blocked sums
#include "../parts/honest.h"

SOFTMAX {
  const honest::Tensor x(input), y(out);
  if (honest::empty(y)) return 0;
  for (std::int64_t r = 0; r < y.rows; ++r) {
    float m = -__builtin_inff(), total = 0;
    for (std::int64_t i = 0; i < y.width; ++i) {
      const float v = honest::load1(x.row(r) + i * x.bytes, x.wide);
      m = v > m || v != v ? v : m;
    }
    for (std::int64_t i = 0; i < y.width; ++i) total += std::exp(honest::load1(x.row(r) + i * x.bytes, x.wide) - m);
    for (std::int64_t i = 0; i < y.width; ++i)
      honest::store1(y.row(r) + i * y.bytes, y.wide,
                     std::exp(honest::load1(x.row(r) + i * x.bytes, x.wide) - m) / total);
  }
  return 0;
}
