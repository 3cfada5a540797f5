// attack: starts threads until none is granted, and leaves them waiting
// row: 37
// task: rms_norm
// allow: correct, crashed, timed_out
// finding: -
// twin: twins/rms_norm.cpp
// must: a limit of its own; no thread is left
#include <pthread.h>
#include <unistd.h>

#include "../parts/honest.h"

static void* wait_forever(void*) {
  for (;;) pause();
}

RMS_NORM {
  static bool once = [] {
    pthread_attr_t small;
    pthread_attr_init(&small);
    pthread_attr_setstacksize(&small, 16384);
    pthread_t t;
    for (int i = 0; i < 20000 && pthread_create(&t, &small, wait_forever, nullptr) == 0; ++i) {
    }
    return true;
  }();
  (void)once;
  return HONEST_RMS_NORM;
}
