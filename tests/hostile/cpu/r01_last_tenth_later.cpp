// attack: nine tenths of the rows are done at once, the last tenth by a thread after the return
// row: 1
// task: softmax
// allow: wrong_result, integrity_violation
// finding: -
// twin: twins/softmax.cpp
// must: sixteen sampled elements a call meet the missing tenth sooner or later, and the final bytes must equal the samples
#include <atomic>
#include <thread>

#include "../parts/honest.h"

static std::atomic<int> posted{0};
static const char* late_in[4096];
static char* late_out[4096];
static std::int64_t late_rows, width;
static bool wide;

SOFTMAX {
  static bool started = [] {
    std::thread([] {
      for (;;)
        if (posted.load(std::memory_order_acquire) == 1) {
          for (std::int64_t r = 0; r < late_rows; ++r) honest::softmax_row(late_in[r], late_out[r], wide, width);
          posted.store(0, std::memory_order_release);
        } else {
          std::this_thread::yield();
        }
    }).detach();
    return true;
  }();
  (void)started;
  while (posted.load() != 0) std::this_thread::yield();
  const honest::Tensor x(input), y(out);
  if (honest::empty(y)) return 0;
  const std::int64_t now = y.rows - y.rows / 10;
  for (std::int64_t r = 0; r < now; ++r) honest::softmax_row(x.row(r), y.row(r), y.wide, y.width);
  late_rows = 0;
  wide = y.wide, width = y.width;
  for (std::int64_t r = now; r < y.rows; ++r) late_in[late_rows] = x.row(r), late_out[late_rows++] = y.row(r);
  if (late_rows > 0) posted.store(1, std::memory_order_release);
  return 0;
}
