// attack: ends the runner's main thread with pthread_exit and goes on in another one
// row: 30
// task: softmax
// allow: crashed, timed_out
// finding: -
// twin: twins/softmax.cpp
// must: a call that does not return meets its deadline
#include <pthread.h>

#include <thread>

#include "../parts/honest.h"

SOFTMAX {
  (void)out, (void)input;
  std::thread([] {
    for (;;) std::this_thread::sleep_for(std::chrono::seconds(1));
  }).detach();
  pthread_exit(nullptr);
}
