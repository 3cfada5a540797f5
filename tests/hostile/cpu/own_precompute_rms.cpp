// attack: steals the call loop; prepares every row's scale off the clock, so that a call is one pass instead of two
// row: own
// task: rms_norm
// allow: correct, wrong_result, timed_out, integrity_violation
// finding: -
// twin: twins/rms_norm.cpp
// must: the time in which inputs can be seen is the time that is paid
#include <vector>

#include "../parts/honest.h"
#include "../parts/thief.h"

RMS_NORM {
  static const thief::Loop* loop = thief::find(reinterpret_cast<void*>(&rms_norm));
  const int result = HONEST_RMS_NORM;
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
          const honest::Tensor x(&t.tensor[1]), y(&t.tensor[0]), w(&t.tensor[2]);
          ready[i].resize(y.rows * y.width * y.bytes);
          for (std::int64_t r = 0; r < y.rows; ++r)
            honest::rms_row(x.row(r), w.first, ready[i].data() + r * y.width * y.bytes, y.wide, y.width, t.epsilon);
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
