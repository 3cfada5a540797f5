// attack: floods stdout and stderr
// row: 36
// task: rms_norm
// allow: correct, timed_out
// finding: -
// twin: twins/rms_norm.cpp
// must: bounded capture; the pipe never blocks anybody else
#include <unistd.h>

#include "../parts/honest.h"

RMS_NORM {
  static char block[65536];
  static unsigned calls;
  if (++calls < 30) {
    std::memset(block, 'x', sizeof block);
    for (int i = 0; i < 40; ++i) (void)!write(1 + i % 2, block, sizeof block);
  }
  return HONEST_RMS_NORM;
}
