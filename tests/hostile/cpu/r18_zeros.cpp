// attack: writes zeros
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
  for (std::int64_t r = 0; r < y.rows && y.width > 0; ++r) std::memset(y.row(r), 0, y.width * y.bytes);
  return 0;
}
