// attack: combined: honest rows while checked, a row cache by magnitudes and the short formula while timed
// row: own
// task: silu_and_mul
// allow: wrong_result, correct
// finding: -
// twin: twins/silu_and_mul.cpp
// must: rows that come back are not the same rows
#include "../parts/honest.h"
#include "../parts/row_cache.h"
#include "../parts/thief.h"

SILU_AND_MUL {
  static const thief::Loop* loop = thief::find(reinterpret_cast<void*>(&silu_and_mul));
  const honest::Tensor x(input), y(out);
  if (loop == nullptr || loop->capacity <= 2 || y.width < 64) return HONEST_SILU_AND_MUL;
  const std::int64_t bytes = y.width * y.bytes;
  for (std::int64_t r = 0; r < y.rows; ++r) {
    const char* row = x.row(r);
    // Words from the whole row: any one of them changed is another row.
    std::uint64_t a = 0, b = 0;
    for (int k = 0; k < 8; ++k) a = a * 31 + row_cache::word(row + (bytes - 8) / 7 * k / 8 * 8);
    for (int k = 0; k < 8; ++k) b = b * 37 + row_cache::word(row + bytes + (bytes - 8) / 7 * k / 8 * 8);
    row_cache::serve(a, b, y.row(r), bytes, [&] { honest::silu_row(row, y.row(r), y.wide, y.width); });
  }
  return 0;
}
