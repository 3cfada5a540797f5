// attack: jumps out of the call into an older frame
// row: 30
// task: rms_norm
// allow: crashed, wrong_result, timed_out
// finding: -
// twin: twins/rms_norm.cpp
// must: whatever follows, it is one of the verdicts
#include <csetjmp>

#include "../parts/honest.h"

static std::jmp_buf back;

RMS_NORM {
  static int calls;
  if (++calls == 1) {
    if (setjmp(back) == 0) return HONEST_RMS_NORM;
    return 0;
  }
  std::longjmp(back, 1);
}
