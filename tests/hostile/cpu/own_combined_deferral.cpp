// attack: combined: tells timed runners by their table, replies early, finishes in a thread, and catches its own faults
// row: own
// task: softmax
// allow: wrong_result, integrity_violation, timed_out, crashed
// finding: early_reply|-
// twin: twins/softmax.cpp
// must: each wall alone would do
#include <signal.h>

#include <atomic>
#include <thread>

#include "../parts/honest.h"
#include "../parts/thief.h"

static std::atomic<std::uint32_t> posted{~0u};

SOFTMAX {
  static const thief::Loop* loop = thief::find(reinterpret_cast<void*>(&softmax));
  if (loop == nullptr || loop->capacity <= 2) return HONEST_SOFTMAX;
  signal(SIGSEGV, [](int) { pthread_exit(nullptr); });
  const int result = HONEST_SOFTMAX;
  std::thread([] {
    for (;;) {
      const std::uint32_t i = posted.load();
      if (i == ~0u) {
        std::this_thread::yield();
        continue;
      }
      thief::Tensors t(*loop, loop->call(i));
      honest::softmax(&t.tensor[0], &t.tensor[1]);
      posted = ~0u;
    }
  }).detach();
  (void)result;
  thief::serve(
      *loop,
      [] {
        while (posted.load() != ~0u) std::this_thread::yield();
      },
      [](std::uint32_t i) {
        while (posted.load() != ~0u) std::this_thread::yield();
        posted = i;
      });
}
