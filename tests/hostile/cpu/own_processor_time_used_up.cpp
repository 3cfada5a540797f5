// attack: lowers its own limit of processor time, so that the kernel of the host kills it with SIGKILL
// row: own
// task: rms_norm
// allow: crashed, timed_out, correct
// finding: -
// twin: twins/rms_norm.cpp
// must: an end that it brings about is its own, whoever sends the signal
#include <sys/resource.h>

#include "../parts/honest.h"

RMS_NORM {
  const rlimit nothing{1, 1};
  setrlimit(RLIMIT_CPU, &nothing);
  prlimit(0, RLIMIT_CPU, &nothing, nullptr);
  for (volatile long i = 0; i < 3000000000l; i = i + 1) {
  }
  return HONEST_RMS_NORM;
}
