// attack: statistics from every other vector, only in the rows behind the hundredth
// row: own
// task: softmax
// allow: wrong_result
// finding: -
// twin: twins/softmax.cpp
// must: every row of every call is compared
#include "../parts/honest.h"

SOFTMAX {
  const honest::Tensor x(input), y(out);
  if (honest::empty(y)) return 0;
  for (std::int64_t r = 0; r < y.rows; ++r) {
    if (r < 100 || y.width < 64) {
      honest::softmax_row(x.row(r), y.row(r), y.wide, y.width);
      continue;
    }
    honest::softmax_row(x.row(r), y.row(r), y.wide, y.width / 2);
    for (std::int64_t i = 0; i < y.width; ++i) {
      const std::int64_t from = i % (y.width / 2);
      honest::store1(y.row(r) + i * y.bytes, y.wide, 0.5f * honest::load1(y.row(r) + from * y.bytes, y.wide));
    }
  }
  return 0;
}
