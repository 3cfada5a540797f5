// attack: softmax without the maximum, a whole pass less, in timed runners only: it tells them by their call table
// row: own
// task: softmax
// allow: wrong_result, correct
// finding: -
// twin: twins/softmax.cpp
// must: every distribution of a timed workload is checked in the timed runners too
#include "../parts/honest.h"
#include "../parts/thief.h"

SOFTMAX {
  static const thief::Loop* loop = thief::find(reinterpret_cast<void*>(&softmax));
  const honest::Tensor x(input), y(out);
  if (loop == nullptr || loop->capacity <= 2 || y.width % 64 != 0) return HONEST_SOFTMAX;
  const std::int64_t b = y.bytes;
  for (std::int64_t r = 0; r < y.rows; ++r) {
    const char* from = x.row(r);
    char* to = y.row(r);
    honest::V s[4] = {};
    for (std::int64_t i = 0; i < y.width; i += 64)
      for (int k = 0; k < 4; ++k) s[k] += honest::exp(honest::load(from + (i + 16 * k) * b, y.wide));
    const float inverse = 1 / honest::sum((s[0] + s[1]) + (s[2] + s[3]));
    for (std::int64_t i = 0; i < y.width; i += 16)
      honest::store(to + i * b, y.wide, honest::exp(honest::load(from + i * b, y.wide)) * inverse);
  }
  return 0;
}
