// attack: leaves the maximum out, which ordinary values forgive
// row: 23
// task: softmax
// allow: wrong_result
// finding: -
// twin: twins/softmax.cpp
// must: large values and clustered maxima overflow
#include "../parts/honest.h"

SOFTMAX {
  const honest::Tensor x(input), y(out);
  for (std::int64_t r = 0; r < y.rows; ++r) {
    double total = 0;
    for (std::int64_t i = 0; i < y.width; ++i) total += honest::exp1(honest::load1(x.row(r) + i * x.bytes, x.wide));
    for (std::int64_t i = 0; i < y.width; ++i)
      honest::store1(y.row(r) + i * y.bytes, y.wide,
                     float(honest::exp1(honest::load1(x.row(r) + i * x.bytes, x.wide)) / total));
  }
  return 0;
}
