// attack: thread_local and static destructors and an atexit handler that write into the arena and loop
// row: more
// task: softmax
// allow: correct
// finding: -
// twin: twins/softmax.cpp
// must: a runner is killed, it never runs down
#include <cstdlib>

#include "../parts/honest.h"

struct Late {
  ~Late() {
    for (;;) {
    }
  }
};
static Late at_end;

SOFTMAX {
  static thread_local Late at_thread_end;
  (void)&at_thread_end;
  static int once = std::atexit([] {
    for (;;) {
    }
  });
  (void)once;
  return HONEST_SOFTMAX;
}
