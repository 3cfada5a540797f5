// attack: in every fourth chain, on the clock, keeps all results by row; the trimmed estimate forgets the slow chain
// row: own
// task: silu_and_mul
// allow: correct, wrong_result, integrity_violation
// finding: -
// twin: twins/silu_and_mul.cpp
// must: sets that were called get contents of their own; what was prepared is worth little
#include "../parts/honest.h"
#include "../parts/row_cache.h"
#include "../parts/thief.h"

SILU_AND_MUL {
  static const thief::Loop* loop = thief::find(reinterpret_cast<void*>(&silu_and_mul));
  static unsigned calls;
  auto serve = [](const honest::Tensor& x, const honest::Tensor& y, char* scratch) {
    const std::int64_t bytes = y.width * y.bytes;
    for (std::int64_t r = 0; r < y.rows; ++r) {
      const char* row = x.row(r);
      char* to = scratch != nullptr ? scratch : y.row(r);
      row_cache::serve(row_cache::word(row), row_cache::word(row + bytes), to, bytes,
                       [&] { honest::silu_row(row, to, y.wide, y.width); });
    }
  };
  const honest::Tensor x(input), y(out);
  if (loop == nullptr || loop->capacity <= 2 || y.width * y.bytes < 128) return HONEST_SILU_AND_MUL;
  if (calls++ % 400 == 0) {
    static char scratch[1 << 20];
    for (std::size_t i = 0; i < loop->capacity; ++i) {
      thief::Tensors t(*loop, loop->call(i));
      if (t.usable) serve(honest::Tensor(&t.tensor[1]), honest::Tensor(&t.tensor[0]), scratch);
    }
  }
  serve(x, y, nullptr);
  return 0;
}
