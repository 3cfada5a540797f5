// attack: throws an int, and an object whose what() never returns
// row: 30
// task: rms_norm
// allow: crashed, timed_out
// finding: -
// twin: twins/rms_norm.cpp
// must: caught, or ended by the deadline
#include <exception>

#include "../parts/honest.h"

struct Endless : std::exception {
  const char* what() const noexcept override {
    for (;;) {
    }
  }
};

RMS_NORM {
  static int calls;
  if (++calls == 10) throw Endless();
  return HONEST_RMS_NORM;
}
