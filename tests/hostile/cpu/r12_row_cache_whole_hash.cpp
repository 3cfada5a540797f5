// attack: keeps the result of every row by the exclusive or of all its words, so that any single change is noticed
// row: 12
// task: softmax
// allow: wrong_result, correct
// finding: -
// twin: twins/softmax.cpp
// must: rows that come back are not the same rows bit for bit
#include "../parts/honest.h"
#include "../parts/row_cache.h"

SOFTMAX {
  const honest::Tensor x(input), y(out);
  if (honest::empty(y)) return 0;
  const std::int64_t bytes = y.width * y.bytes;
  for (std::int64_t r = 0; r < y.rows; ++r) {
    const char* row = x.row(r);
    auto compute = [&] { honest::softmax_row(row, y.row(r), y.wide, y.width); };
    if (bytes < 128) {
      compute();
      continue;
    }
    honest::U sum = {}, turned = {};
    std::int64_t i = 0;
    for (; i + 64 <= bytes; i += 64) {
      honest::U u;
      std::memcpy(&u, row + i, 64);
      sum ^= u;
      turned = (turned << 1) + u;  // depends on the order too
    }
    std::uint64_t a = 0, b = 0;
    for (int k = 0; k < 16; ++k) a = a * 31 + sum[k], b = b * 37 + turned[k];
    if (bytes % 64 != 0) a ^= row_cache::word(row + bytes - 8);
    row_cache::serve(a, b, y.row(r), bytes, compute);
  }
  return 0;
}
