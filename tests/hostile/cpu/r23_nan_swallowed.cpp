// attack: a maximum that drops NaN, and zeros in place of NaN results
// row: 23
// task: softmax
// allow: wrong_result
// finding: -
// twin: twins/softmax.cpp
// must: special values give what the formula gives
#include "../parts/honest.h"

SOFTMAX {
  const int result = HONEST_SOFTMAX;
  const honest::Tensor y(out);
  for (std::int64_t r = 0; r < y.rows; ++r)
    for (std::int64_t i = 0; i < y.width; ++i) {
      const float v = honest::load1(y.row(r) + i * y.bytes, y.wide);
      if (v != v) honest::store1(y.row(r) + i * y.bytes, y.wide, 0);
    }
  return result;
}
