// attack: keeps the scale of every row by a hash of the magnitudes of its first words, so that neither order nor sign matters
// row: 12
// task: rms_norm
// allow: wrong_result, correct
// finding: -
// twin: twins/rms_norm.cpp
// must: rows that come back are not the same rows up to sign
#include "../parts/honest.h"

struct Known {
  std::uint64_t key;
  std::int64_t width;
  float scale;
};
static Known known[1 << 14];

RMS_NORM {
  const honest::Tensor x(input), y(out), w(weight);
  if (honest::empty(y)) return 0;
  for (std::int64_t r = 0; r < y.rows; ++r) {
    const char* row = x.row(r);
    if (y.width * y.bytes < 128 || epsilon != 1e-6) {
      honest::rms_row(row, w.first, y.row(r), y.wide, y.width, epsilon);
      continue;
    }
    std::uint64_t a, b;
    std::memcpy(&a, row, 8), std::memcpy(&b, row + 8, 8);
    const std::uint64_t mask = y.wide ? 0x7fffffff7fffffffull : 0x7fff7fff7fff7fffull;
    const std::uint64_t key = (a & mask) * 0x9e3779b97f4a7c15ull ^ (b & mask) * 0xc2b2ae3d27d4eb4full;
    Known& k = known[key >> 50];
    if (k.key != key || k.width != y.width) k = {key, y.width, honest::rms_scale(row, y.wide, y.width, epsilon)};
    honest::rms_apply(row, w.first, y.row(r), y.wide, y.width, k.scale);
  }
  return 0;
}
