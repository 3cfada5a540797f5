// attack: sets the done word to the next step's number, so that the judge's next wait ends before it began
// row: 10c
// task: softmax
// allow: wrong_result, integrity_violation, timed_out
// finding: -
// twin: twins/softmax.cpp
// must: the samples of that step are poison
#include "../parts/honest.h"
#include "../parts/thief.h"

SOFTMAX {
  static const thief::Loop* loop = thief::find(reinterpret_cast<void*>(&softmax));
  const int result = HONEST_SOFTMAX;
  if (loop == nullptr || loop->capacity <= 2) return result;
  thief::Page* page = loop->page;
  thief::serve(
      *loop, [] {},
      [&](std::uint32_t i) {
        thief::Tensors t(*loop, loop->call(i));
        honest::softmax(&t.tensor[0], &t.tensor[1]);
        const std::uint32_t go = page->go.load();
        page->done.store(go, std::memory_order_release);
        page->done.store(go + 1, std::memory_order_release);
        while (page->go.load() == go) {
        }
      });
}
