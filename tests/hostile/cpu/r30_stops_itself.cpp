// attack: raises SIGSTOP to look like a stopped runner
// row: 30
// task: rms_norm
// allow: correct, timed_out, crashed, wrong_result
// finding: -
// twin: twins/rms_norm.cpp
// must: the filter refuses it; only the init stops and resumes
#include <signal.h>

#include "../parts/honest.h"

RMS_NORM {
  static unsigned calls;
  const int result = HONEST_RMS_NORM;
  if (++calls % 50 == 0) raise(SIGSTOP);
  return result;
}
