// attack: writes 1/D everywhere, the mean of every softmax
// row: 18
// task: softmax
// allow: wrong_result
// finding: -
// twin: twins/softmax.cpp
// must: wrong, and no partial credit that a trivial program could farm
#include "../parts/honest.h"

SOFTMAX {
  const honest::Tensor y(out);
  (void)input;
  for (std::int64_t r = 0; r < y.rows; ++r)
    for (std::int64_t i = 0; i < y.width; ++i) honest::store1(y.row(r) + i * y.bytes, y.wide, 1.0f / float(y.width));
  return 0;
}
