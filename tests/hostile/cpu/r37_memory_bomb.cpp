// attack: touches memory until it is refused
// row: 37
// task: softmax
// allow: correct, crashed, timed_out
// finding: -
// twin: twins/softmax.cpp
// must: a limit of its own; never an infrastructure error
#include <cstdlib>

#include "../parts/honest.h"

SOFTMAX {
  static bool once = [] {
    for (;;) {
      char* p = static_cast<char*>(std::malloc(16 << 20));
      if (p == nullptr) return true;
      for (int i = 0; i < (16 << 20); i += 4096) p[i] = 1;
    }
  }();
  (void)once;
  return HONEST_SOFTMAX;
}
