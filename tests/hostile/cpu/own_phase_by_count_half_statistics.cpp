// attack: after 150 right calls takes the statistics from half of each row, which ordinary rows nearly forgive in bf16
// row: own
// task: rms_norm
// allow: wrong_result
// finding: -
// twin: twins/rms_norm.cpp
// must: every output of every timed call is checked
#include "../parts/honest.h"

RMS_NORM {
  static unsigned calls;
  const honest::Tensor x(input), y(out), w(weight);
  if (++calls < 150 || y.width % 128 != 0) return HONEST_RMS_NORM;
  for (std::int64_t r = 0; r < y.rows; ++r)
    honest::rms_apply(x.row(r), w.first, y.row(r), y.wide, y.width,
                      honest::rms_scale(x.row(r), y.wide, y.width / 2, epsilon));
  return 0;
}
