// attack: steals the call loop; computes every set of the table while null steps wake it, off the clock; on the clock it copies
// row: own
// task: softmax
// allow: correct, wrong_result, timed_out, integrity_violation
// finding: -
// twin: twins/softmax.cpp
// must: the time in which inputs can be seen is the time that is paid
#include <vector>

#include "../parts/honest.h"
#include "../parts/thief.h"

SOFTMAX {
  static const thief::Loop* loop = thief::find(reinterpret_cast<void*>(&softmax));
  const int result = HONEST_SOFTMAX;
  if (loop == nullptr || loop->capacity <= 2) return result;
  static std::vector<std::vector<char>> ready(loop->capacity);
  static bool fresh = false;
  thief::serve(
      *loop,
      [] {
        if (fresh) return;
        for (std::size_t i = 0; i < loop->capacity; ++i) {
          thief::Tensors t(*loop, loop->call(i));
          if (!t.usable) continue;
          const honest::Tensor x(&t.tensor[1]), y(&t.tensor[0]);
          ready[i].resize(y.rows * y.width * y.bytes);
          for (std::int64_t r = 0; r < y.rows; ++r)
            honest::softmax_row(x.row(r), ready[i].data() + r * y.width * y.bytes, y.wide, y.width);
        }
        fresh = true;
      },
      [](std::uint32_t i) {
        fresh = false;
        thief::Tensors t(*loop, loop->call(i));
        const honest::Tensor y(&t.tensor[0]);
        std::memcpy(y.first, ready[i].data(), ready[i].size());
      });
}
