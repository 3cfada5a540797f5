// attack: leaves a spinning thread on every core, so that the baseline that runs next is slow
// row: 8
// task: rms_norm
// allow: correct, timed_out, wrong_result, integrity_violation
// finding: -
// twin: twins/rms_norm.cpp
// must: the candidate is stopped, threads and all, while a baseline runs
#include <thread>

#include "../parts/honest.h"

RMS_NORM {
  static bool once = [] {
    for (int i = 0; i < 3; ++i)
      std::thread([] {
        for (volatile unsigned n = 0;; n = n + 1) {
        }
      }).detach();
    return true;
  }();
  (void)once;
  return HONEST_RMS_NORM;
}
