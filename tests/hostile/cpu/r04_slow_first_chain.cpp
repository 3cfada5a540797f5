// attack: sleeps through its first calls in a timed runner, so that the judge times it with fewer and therefore hotter sets
// row: 4
// task: rms_norm
// allow: correct, timed_out
// finding: -
// twin: twins/rms_norm.cpp
// must: both sides of a pair share the shape of the chain: nothing is gained
#include <unistd.h>

#include <cstdlib>

#include "../parts/honest.h"

RMS_NORM {
  static int calls;
  const char* threads = getenv("OMP_NUM_THREADS");
  const bool timed = threads != nullptr && threads[0] == '1' && threads[1] == 0;
  if (timed && ++calls <= 3) usleep(400000);
  return HONEST_RMS_NORM;
}
