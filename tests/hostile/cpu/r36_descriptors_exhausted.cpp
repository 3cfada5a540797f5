// attack: opens pipes until no descriptor is left
// row: 36
// task: softmax
// allow: correct
// finding: -
// twin: twins/softmax.cpp
// must: its own limit is met, nobody else's
#include <unistd.h>

#include "../parts/honest.h"

SOFTMAX {
  static bool once = [] {
    int ends[2];
    while (pipe(ends) == 0) {
    }
    return true;
  }();
  (void)once;
  return HONEST_SOFTMAX;
}
