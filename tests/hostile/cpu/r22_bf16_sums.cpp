// attack: accumulates in bf16
// row: 22
// task: rms_norm
// allow: wrong_result
// finding: -
// twin: twins/rms_norm.cpp
// must: error relative to production's own
#include "../parts/honest.h"

RMS_NORM {
  const honest::Tensor x(input), y(out), w(weight);
  if (honest::empty(y)) return 0;
  for (std::int64_t r = 0; r < y.rows; ++r) {
    honest::V s = {};
    std::int64_t i = 0;
    for (; i + 16 <= y.width; i += 16) {
      const honest::V v = honest::load(x.row(r) + i * x.bytes, x.wide);
      s = (honest::V)((honest::U)(s + v * v) & 0xffff0000u);
    }
    double total = honest::sum(s);
    for (; i < y.width; ++i)
      total += double(honest::load1(x.row(r) + i * x.bytes, x.wide)) * honest::load1(x.row(r) + i * x.bytes, x.wide);
    honest::rms_apply(x.row(r), w.first, y.row(r), y.wide, y.width,
                      float(1 / std::sqrt(total / double(y.width) + epsilon)));
  }
  return 0;
}
