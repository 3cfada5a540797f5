// attack: steals the call loop; in each null step it prepares a few sets only, to stay below any limit on one step
// row: own
// task: silu_and_mul
// allow: correct, wrong_result, timed_out, integrity_violation
// finding: -
// twin: twins/silu_and_mul.cpp
// must: the time in which inputs can be seen is the time that is paid
#include <vector>

#include "../parts/honest.h"
#include "../parts/thief.h"

SILU_AND_MUL {
  static const thief::Loop* loop = thief::find(reinterpret_cast<void*>(&silu_and_mul));
  const int result = HONEST_SILU_AND_MUL;
  if (loop == nullptr || loop->capacity <= 2) return result;
  static std::vector<std::vector<char>> ready(loop->capacity);
  static std::size_t next = 0;
  auto prepare = [](std::size_t i) {
    thief::Tensors t(*loop, loop->call(i));
    if (!t.usable) return;
    const honest::Tensor x(&t.tensor[1]), y(&t.tensor[0]);
    ready[i].resize(y.rows * y.width * y.bytes);
    for (std::int64_t r = 0; r < y.rows; ++r)
      honest::silu_row(x.row(r), ready[i].data() + r * y.width * y.bytes, y.wide, y.width);
  };
  thief::serve(
      *loop,
      [&] {
        for (int k = 0; k < 12 && next < loop->capacity; ++k) prepare(next++);
      },
      [&](std::uint32_t i) {
        thief::Tensors t(*loop, loop->call(i));
        if (!t.usable) return;
        const honest::Tensor x(&t.tensor[1]), y(&t.tensor[0]);
        if (next > i && !ready[i].empty()) {
          std::memcpy(y.first, ready[i].data(), ready[i].size());
        } else {
          honest::silu_and_mul(&t.tensor[0], &t.tensor[1]);
        }
        next = 0;
        for (auto& r : ready) r.clear();
      });
}
