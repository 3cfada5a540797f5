// attack: catches its own faults and returns as if nothing had happened
// row: 30
// task: rms_norm
// allow: wrong_result, crashed
// finding: -
// twin: twins/rms_norm.cpp
// must: what counts is the output
#include <csetjmp>
#include <csignal>

#include "../parts/honest.h"

static sigjmp_buf back;
static void caught(int) { siglongjmp(back, 1); }

RMS_NORM {
  std::signal(SIGSEGV, caught);
  if (sigsetjmp(back, 1) != 0) return 0;
  static unsigned calls;
  if (++calls % 7 == 0) *static_cast<volatile int*>(nullptr) = 1;
  return HONEST_RMS_NORM;
}
