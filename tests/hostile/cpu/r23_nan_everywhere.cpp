// attack: writes NaN, in case errors are compared as err > tolerance
// row: 23
// task: rms_norm
// allow: wrong_result
// finding: -
// twin: twins/rms_norm.cpp
// must: class first
#include "../parts/honest.h"

RMS_NORM {
  const honest::Tensor y(out);
  (void)input, (void)weight, (void)epsilon;
  for (std::int64_t r = 0; r < y.rows; ++r)
    for (std::int64_t i = 0; i < y.width; ++i) honest::store1(y.row(r) + i * y.bytes, y.wide, __builtin_nanf(""));
  return 0;
}
