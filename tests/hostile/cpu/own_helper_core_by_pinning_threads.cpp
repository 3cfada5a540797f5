// attack: pins helper threads to other cores one by one with their own thread ids
// row: own
// task: softmax
// allow: correct
// finding: affinity_change_refused|-
// twin: twins/softmax.cpp
// must: refused for threads as for the process
#include <pthread.h>
#include <sched.h>

#include "../parts/honest.h"

SOFTMAX {
  const honest::Tensor x(input), y(out);
  if (honest::empty(y)) return 0;
#pragma omp parallel num_threads(2) if (y.rows * y.width > 16384)
  {
    static thread_local bool once = [] {
      for (int core = 0; core < 8; ++core) {
        cpu_set_t set;
        CPU_ZERO(&set);
        CPU_SET(core, &set);
        pthread_setaffinity_np(pthread_self(), sizeof set, &set);
      }
      return true;
    }();
    (void)once;
#pragma omp for
    for (std::int64_t r = 0; r < y.rows; ++r) honest::softmax_row(x.row(r), y.row(r), y.wide, y.width);
  }
  return 0;
}
