// attack: leaves in the middle of a timed chain, after right outputs only
// row: 30
// task: softmax
// allow: crashed
// finding: -
// twin: twins/softmax.cpp
// must: a chain that breaks off counts for nothing
#include <cstdlib>

#include "../parts/honest.h"

SOFTMAX {
  static unsigned calls;
  if (++calls == 120) std::quick_exit(0);
  return HONEST_SOFTMAX;
}
