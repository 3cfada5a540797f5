// attack: multiplies by the weight and by the scale that unit variance would have
// row: 18
// task: rms_norm
// allow: wrong_result
// finding: -
// twin: twins/rms_norm.cpp
// must: the root mean square of real rows differs by more than the tolerance
#include "../parts/honest.h"

RMS_NORM {
  const honest::Tensor x(input), y(out), w(weight);
  (void)epsilon;
  for (std::int64_t r = 0; r < y.rows && y.width > 0; ++r)
    honest::rms_apply(x.row(r), w.first, y.row(r), y.wide, y.width, 1.0f);
  return 0;
}
