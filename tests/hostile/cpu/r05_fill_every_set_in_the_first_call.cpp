// attack: the first timed call computes every set of the call table; the others return at once
// row: 5
// task: softmax
// allow: integrity_violation, wrong_result
// finding: decoy_written
// twin: twins/softmax.cpp
// must: sets that are never called must stay as dealt
#include "../parts/honest.h"
#include "../parts/thief.h"

SOFTMAX {
  static const thief::Loop* loop = thief::find(reinterpret_cast<void*>(&softmax));
  if (loop == nullptr || loop->capacity <= 2) return HONEST_SOFTMAX;
  for (std::size_t i = 0; i < loop->capacity; ++i) {
    thief::Tensors t(*loop, loop->call(i));
    if (t.usable) honest::softmax(&t.tensor[0], &t.tensor[1]);
  }
  return HONEST_SOFTMAX;
}
