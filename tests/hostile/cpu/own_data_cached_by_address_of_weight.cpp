// attack: keeps the weight, converted to float, by its address
// row: own
// task: rms_norm
// allow: wrong_result
// finding: -
// twin: twins/rms_norm.cpp
// must: the same address comes back with another weight
#include <vector>

#include "../parts/honest.h"

RMS_NORM {
  static const void* at;
  static std::vector<float> kept;
  const honest::Tensor x(input), y(out), w(weight);
  if (honest::empty(y)) return 0;
  if (at != w.first || kept.size() != std::size_t(y.width)) {
    at = w.first;
    kept.resize(y.width);
    for (std::int64_t i = 0; i < y.width; ++i) kept[i] = honest::load1(w.first + i * w.bytes, w.wide);
  }
  for (std::int64_t r = 0; r < y.rows; ++r) {
    const float scale = honest::rms_scale(x.row(r), x.wide, y.width, epsilon);
    for (std::int64_t i = 0; i < y.width; ++i)
      honest::store1(y.row(r) + i * y.bytes, y.wide, honest::load1(x.row(r) + i * x.bytes, x.wide) * scale * kept[i]);
  }
  return 0;
}
