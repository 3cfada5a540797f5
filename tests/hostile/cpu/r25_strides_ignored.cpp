// attack: takes every tensor for contiguous
// row: 25
// task: rms_norm
// allow: wrong_result, crashed
// finding: -
// twin: twins/rms_norm.cpp
// must: hidden cases are padded, sliced and permuted
#include "../parts/honest.h"

RMS_NORM {
  const honest::Tensor x(input), y(out), w(weight);
  if (honest::empty(y)) return 0;
  const std::int64_t step = y.width * y.bytes;
  for (std::int64_t r = 0; r < y.rows; ++r)
    honest::rms_row(x.first + r * step, w.first, y.first + r * step, y.wide, y.width, epsilon);
  return 0;
}
