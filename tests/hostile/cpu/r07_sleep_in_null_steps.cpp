// attack: steals the loop and dawdles in null steps, so that whatever is subtracted as overhead grows
// row: 7
// task: softmax
// allow: correct, timed_out, wrong_result
// finding: -
// twin: twins/softmax.cpp
// must: overhead is measured on trusted runners only
#include "../parts/honest.h"
#include "../parts/thief.h"

SOFTMAX {
  static const thief::Loop* loop = thief::find(reinterpret_cast<void*>(&softmax));
  const int result = HONEST_SOFTMAX;
  if (loop == nullptr || loop->capacity <= 2) return result;
  thief::serve(
      *loop, [] { usleep(2000); },
      [&](std::uint32_t i) {
        thief::Tensors t(*loop, loop->call(i));
        honest::softmax(&t.tensor[0], &t.tensor[1]);
      });
}
