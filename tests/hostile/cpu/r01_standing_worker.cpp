// attack: a standing worker thread is handed the job and the call returns at once
// row: 1
// task: softmax
// allow: wrong_result, integrity_violation, timed_out
// finding: -
// twin: twins/softmax.cpp
// must: the worker shares the runner's one core and is stopped with it; what it has not written by the reply counts as missing
#include <atomic>
#include <thread>

#include "../parts/honest.h"

static std::atomic<int> posted{0};
static DLTensor o, x;
static std::int64_t kept[4][4];

SOFTMAX {
  static bool started = [] {
    std::thread([] {
      for (;;)
        if (posted.load(std::memory_order_acquire) == 1) {
          honest::softmax(&o, &x);
          posted.store(0, std::memory_order_release);
        } else {
          std::this_thread::yield();
        }
    }).detach();
    return true;
  }();
  (void)started;
  while (posted.load() != 0) std::this_thread::yield();
  o = *out, x = *input;
  for (int i = 0; i < out->ndim; ++i) {
    kept[0][i] = out->shape[i], kept[1][i] = out->strides[i];
    kept[2][i] = input->shape[i], kept[3][i] = input->strides[i];
  }
  o.shape = kept[0], o.strides = kept[1], x.shape = kept[2], x.strides = kept[3];
  posted.store(1, std::memory_order_release);
  return 0;
}
