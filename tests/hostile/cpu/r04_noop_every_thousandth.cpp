// attack: skips one call in a hundred
// row: 4
// task: softmax
// allow: wrong_result
// finding: -
// twin: twins/softmax.cpp
// must: every output of every timed call is checked
#include "../parts/honest.h"

SOFTMAX {
  static unsigned calls;
  if (++calls % 100 == 0) return 0;
  return HONEST_SOFTMAX;
}
