// attack: widens its own affinity and spreads the rows over every core in the timed, one-core phase
// row: 8
// task: softmax
// allow: correct
// finding: -
// twin: twins/softmax.cpp
// must: the kernel refuses the change; threads stay on the one core
#include <sched.h>

#include <thread>

#include "../parts/honest.h"

SOFTMAX {
  static const unsigned cores = [] {
    cpu_set_t set;
    CPU_ZERO(&set);
    for (int i = 0; i < CPU_SETSIZE; ++i) CPU_SET(i, &set);
    sched_setaffinity(0, sizeof set, &set);
    CPU_ZERO(&set);
    sched_getaffinity(0, sizeof set, &set);
    return unsigned(CPU_COUNT(&set));
  }();
  const honest::Tensor x(input), y(out);
  if (honest::empty(y)) return 0;
  const bool parallel = cores > 1 && y.rows * y.width > 16384;
#pragma omp parallel for if (parallel) num_threads(2)
  for (std::int64_t r = 0; r < y.rows; ++r) honest::softmax_row(x.row(r), y.row(r), y.wide, y.width);
  return 0;
}
