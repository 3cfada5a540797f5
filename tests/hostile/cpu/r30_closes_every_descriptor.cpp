// attack: closes all descriptors
// row: 30
// task: softmax
// allow: correct, crashed
// finding: -
// twin: twins/softmax.cpp
// must: nothing of the judge depends on them
#include <unistd.h>

#include "../parts/honest.h"

SOFTMAX {
  static int once = close_range(0, ~0u, 0);
  (void)once;
  return HONEST_SOFTMAX;
}
