// attack: writes all outputs off the clock, in place, and puts the poison back into the decoys as the chain goes on
// row: own
// task: softmax
// allow: integrity_violation, wrong_result, correct, timed_out
// finding: -
// twin: twins/softmax.cpp
// must: decoys must be as dealt at the moment everything is stopped
#include <vector>

#include "../parts/honest.h"
#include "../parts/thief.h"

SOFTMAX {
  static const thief::Loop* loop = thief::find(reinterpret_cast<void*>(&softmax));
  const int result = HONEST_SOFTMAX;
  if (loop == nullptr || loop->capacity <= 2) return result;
  static std::vector<std::vector<char>> poison(loop->capacity);
  static std::vector<char> called(loop->capacity);
  static bool fresh = false;
  static std::size_t undo = 0;
  thief::serve(
      *loop,
      [] {
        if (fresh) return;
        for (std::size_t i = 0; i < loop->capacity; ++i) {
          called[i] = 0;
          thief::Tensors t(*loop, loop->call(i));
          if (!t.usable) continue;
          const honest::Tensor y(&t.tensor[0]);
          poison[i].assign(y.first, y.first + y.rows * y.width * y.bytes);
          honest::softmax(&t.tensor[0], &t.tensor[1]);
        }
        fresh = true;
        undo = 0;
      },
      [](std::uint32_t i) {
        fresh = false;
        called[i] = 1;
        if (undo < loop->capacity / 8) ++undo;
        for (std::size_t k = 0; k < undo; ++k)
          if (!called[k] && !poison[k].empty()) {
            thief::Tensors t(*loop, loop->call(k));
            const honest::Tensor y(&t.tensor[0]);
            std::memcpy(y.first, poison[k].data(), poison[k].size());
            poison[k].clear();
          }
        thief::Tensors t(*loop, loop->call(i));
        if (poison[i].empty()) honest::softmax(&t.tensor[0], &t.tensor[1]);
      });
}
