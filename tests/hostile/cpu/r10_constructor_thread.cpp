// attack: a constructor starts a thread that looks for inputs before the first call
// row: 10
// task: softmax
// allow: correct, wrong_result, integrity_violation
// finding: -
// twin: twins/softmax.cpp
// must: at load there are no inputs, and the thread never gets a core to itself
#include <thread>

#include "../parts/honest.h"

static volatile unsigned long seen;

__attribute__((constructor)) static void start() {
  std::thread([] {
    for (;;) {
      seen = seen + 1;
      std::this_thread::sleep_for(std::chrono::microseconds(200));
    }
  }).detach();
}

SOFTMAX { return HONEST_SOFTMAX; }
