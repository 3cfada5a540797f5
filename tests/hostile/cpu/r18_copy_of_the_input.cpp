// attack: copies the input, which a norm near one makes look right
// row: 18
// task: rms_norm
// allow: wrong_result
// finding: -
// twin: twins/rms_norm.cpp
// must: wrong, and no partial credit that a trivial program could farm
#include "../parts/honest.h"

RMS_NORM {
  const honest::Tensor x(input), y(out);
  (void)weight, (void)epsilon;
  for (std::int64_t r = 0; r < y.rows && y.width > 0; ++r) std::memcpy(y.row(r), x.row(r), y.width * y.bytes);
  return 0;
}
