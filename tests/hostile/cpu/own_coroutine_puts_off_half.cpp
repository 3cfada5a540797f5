// attack: a second stack (swapcontext) keeps the second half of the rows for the beginning of the next call
// row: own
// task: softmax
// allow: wrong_result, integrity_violation
// finding: -
// twin: twins/softmax.cpp
// must: every output is looked at before the next call is known
#include <ucontext.h>

#include "../parts/honest.h"

static ucontext_t caller, worker;
static char stack[1 << 18];
static DLTensor o, x;
static std::int64_t kept[4][4];

static void work() {
  for (;;) {
    const honest::Tensor in(&x), to(&o);
    for (std::int64_t r = 0; r < to.rows; ++r) {
      if (r == to.rows / 2) swapcontext(&worker, &caller);
      honest::softmax_row(in.row(r), to.row(r), to.wide, to.width);
    }
    swapcontext(&worker, &caller);
  }
}

SOFTMAX {
  if (honest::empty(honest::Tensor(out))) return 0;
  static bool fresh = true;
  static bool behind = false;
  if (fresh) {
    getcontext(&worker);
    worker.uc_stack.ss_sp = stack, worker.uc_stack.ss_size = sizeof stack;
    makecontext(&worker, work, 0);
    fresh = false;
  }
  if (behind) swapcontext(&caller, &worker);  // the half that was put off
  const DLTensor* from[] = {out, input};
  DLTensor* to[] = {&o, &x};
  for (int t = 0; t < 2; ++t) {
    *to[t] = *from[t];
    for (int i = 0; i < from[t]->ndim; ++i)
      kept[2 * t][i] = from[t]->shape[i], kept[2 * t + 1][i] = from[t]->strides[i];
    to[t]->shape = kept[2 * t], to[t]->strides = kept[2 * t + 1];
  }
  swapcontext(&caller, &worker);
  behind = true;
  return 0;
}
