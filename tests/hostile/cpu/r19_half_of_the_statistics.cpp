// attack: takes the root mean square from every other cache line
// row: 19
// task: rms_norm
// allow: wrong_result
// finding: -
// twin: twins/rms_norm.cpp
// must: outlier channels and prefix-suffix data expose it
#include "../parts/honest.h"

RMS_NORM {
  const honest::Tensor x(input), y(out), w(weight);
  if (honest::empty(y)) return 0;
  for (std::int64_t r = 0; r < y.rows; ++r) {
    double total = 0;
    std::int64_t n = 0;
    for (std::int64_t i = 0; i < y.width; ++i)
      if (i % 64 < 32) {
        const double v = honest::load1(x.row(r) + i * x.bytes, x.wide);
        total += v * v, ++n;
      }
    honest::rms_apply(x.row(r), w.first, y.row(r), y.wide, y.width, float(1 / std::sqrt(total / double(n) + epsilon)));
  }
  return 0;
}
