// attack: writes only the elements that a sampler of powers of two would look at, in timed runners
// row: own
// task: rms_norm
// allow: wrong_result
// finding: -
// twin: twins/rms_norm.cpp
// must: samples tell early replies; verdicts look at all elements
#include "../parts/honest.h"
#include "../parts/thief.h"

RMS_NORM {
  static const thief::Loop* loop = thief::find(reinterpret_cast<void*>(&rms_norm));
  if (loop == nullptr || loop->capacity <= 2) return HONEST_RMS_NORM;
  const honest::Tensor x(input), y(out), w(weight);
  for (std::int64_t r = 0; r < y.rows; ++r) {
    const float scale = honest::rms_scale(x.row(r), y.wide, y.width, epsilon);
    for (std::int64_t i = 0; i < y.width; i += 8)
      honest::store1(
          y.row(r) + i * y.bytes, y.wide,
          honest::load1(x.row(r) + i * y.bytes, y.wide) * scale * honest::load1(w.first + i * y.bytes, y.wide));
  }
  return 0;
}
