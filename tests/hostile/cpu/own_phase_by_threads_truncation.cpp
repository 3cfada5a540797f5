// attack: rounds where it is checked and truncates where it is timed, told apart by OMP_NUM_THREADS
// row: own
// task: rms_norm
// allow: wrong_result
// finding: -
// twin: twins/rms_norm.cpp
// must: the whole rule, root mean square included, holds for timed outputs
#include <cstdlib>

#include "../parts/honest.h"

RMS_NORM {
  static const bool timed = [] {
    const char* threads = std::getenv("OMP_NUM_THREADS");
    return threads != nullptr && std::strcmp(threads, "1") == 0;
  }();
  const honest::Tensor x(input), y(out), w(weight);
  if (!timed || y.wide || y.width % 16 != 0) return HONEST_RMS_NORM;
  for (std::int64_t r = 0; r < y.rows; ++r) {
    const float scale = honest::rms_scale(x.row(r), false, y.width, epsilon);
    for (std::int64_t i = 0; i < y.width; i += 16) {
      const honest::V v = honest::load(x.row(r) + i * 2, false) * scale * honest::load(w.first + i * 2, false);
      const honest::H h = __builtin_convertvector((honest::U)v >> 16, honest::H);
      std::memcpy(y.row(r) + i * 2, &h, 32);
    }
  }
  return 0;
}
