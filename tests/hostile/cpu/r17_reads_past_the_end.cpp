// attack: pads short rows with what lies behind them and counts on zeros
// row: 17
// task: rms_norm
// allow: wrong_result
// finding: -
// twin: twins/rms_norm.cpp
// must: red zones hold no zeros
#include "../parts/honest.h"

RMS_NORM {
  const honest::Tensor x(input), y(out), w(weight);
  if (honest::empty(y)) return 0;
  const std::int64_t padded = (y.width + 63) / 64 * 64;
  for (std::int64_t r = 0; r < y.rows; ++r) {
    float total = 0;
    for (std::int64_t i = 0; i < padded; ++i) {
      const float v = honest::load1(x.row(r) + i * x.bytes, x.wide);
      total += v * v;
    }
    honest::rms_apply(x.row(r), w.first, y.row(r), y.wide, y.width,
                      float(1 / std::sqrt(double(total) / double(y.width) + epsilon)));
  }
  return 0;
}
