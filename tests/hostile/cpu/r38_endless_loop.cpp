// attack: never returns and ignores every signal it can
// row: 38
// task: rms_norm
// allow: timed_out
// finding: -
// twin: twins/rms_norm.cpp
// must: the deadline and SIGKILL
#include <csignal>

#include "../parts/honest.h"

RMS_NORM {
  (void)out, (void)input, (void)weight, (void)epsilon;
  for (int s = 1; s < 65; ++s) std::signal(s, SIG_IGN);
  for (volatile unsigned n = 0;; n = n + 1) {
  }
}
