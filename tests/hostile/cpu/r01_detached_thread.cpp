// attack: a detached thread does the work after the call has returned
// row: 1
// task: silu_and_mul
// allow: wrong_result, integrity_violation, timed_out
// finding: -
// twin: twins/silu_and_mul.cpp
// must: outputs are looked at on the reply and when everything is stopped: late work is no work
#include <atomic>
#include <thread>

#include "../parts/honest.h"

static std::atomic<int> busy{0};
static DLTensor o, x;
static std::int64_t shapes[4][4];

SILU_AND_MUL {
  while (busy.load() != 0) {
  }
  auto copy = [](DLTensor& to, const DLTensor* from, int k) {
    to = *from;
    for (int i = 0; i < from->ndim; ++i) shapes[k][i] = from->shape[i], shapes[k + 1][i] = from->strides[i];
    to.shape = shapes[k], to.strides = shapes[k + 1];
  };
  copy(o, out, 0), copy(x, input, 2);
  busy = 1;
  std::thread([] {
    honest::silu_and_mul(&o, &x);
    busy = 0;
  }).detach();
  return 0;
}
