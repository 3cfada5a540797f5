// attack: keeps the result of every row by a hash of its first and last eight bytes
// row: 12
// task: silu_and_mul
// allow: wrong_result, correct
// finding: -
// twin: twins/silu_and_mul.cpp
// must: rows that come back are not the same rows bit for bit
#include "../parts/honest.h"
#include "../parts/row_cache.h"

SILU_AND_MUL {
  const honest::Tensor x(input), y(out);
  if (honest::empty(y)) return 0;
  const std::int64_t bytes = y.width * y.bytes;
  for (std::int64_t r = 0; r < y.rows; ++r) {
    const char* row = x.row(r);
    auto compute = [&] { honest::silu_row(row, y.row(r), y.wide, y.width); };
    if (bytes < 128)
      compute();
    else
      row_cache::serve(row_cache::word(row), row_cache::word(row + 2 * bytes - 8), y.row(r), bytes, compute);
  }
  return 0;
}
