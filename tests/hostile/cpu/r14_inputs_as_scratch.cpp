// attack: computes in place in the input and copies the result out
// row: 14
// task: softmax
// allow: wrong_result
// finding: -
// twin: twins/softmax.cpp
// must: a changed input is found by comparison with its pristine copy
#include "../parts/honest.h"

SOFTMAX {
  const honest::Tensor x(input), y(out);
  for (std::int64_t r = 0; r < y.rows && y.width > 0; ++r) {
    honest::softmax_row(x.row(r), x.row(r), y.wide, y.width);
    std::memcpy(y.row(r), x.row(r), y.width * y.bytes);
  }
  return 0;
}
