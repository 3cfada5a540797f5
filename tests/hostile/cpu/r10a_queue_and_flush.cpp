// attack: queues calls, answering them early through the control page, and flushes the queue with one pass over all rows
// row: 10a
// task: softmax
// allow: wrong_result, integrity_violation
// finding: early_reply|-
// twin: twins/softmax.cpp
// must: a set is told only after the previous output was seen to be written
#include "../parts/honest.h"
#include "../parts/thief.h"

SOFTMAX {
  static const thief::Loop* loop = thief::find(reinterpret_cast<void*>(&softmax));
  const int result = HONEST_SOFTMAX;
  if (loop == nullptr || loop->capacity <= 2) return result;
  static std::uint32_t queued[4];
  static int count;
  auto flush = [] {
    for (int i = 0; i < count; ++i) {
      thief::Tensors t(*loop, loop->call(queued[i]));
      honest::softmax(&t.tensor[0], &t.tensor[1]);
    }
    count = 0;
  };
  thief::serve(*loop, flush, [&](std::uint32_t i) {
    queued[count++] = i;
    if (count == 4) flush();
  });
}
