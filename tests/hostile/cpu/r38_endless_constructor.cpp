// attack: a constructor that never returns
// row: 38
// task: softmax
// allow: timed_out, load_error
// finding: -
// twin: twins/softmax.cpp
// must: loading has a deadline too
#include <unistd.h>

#include "../parts/honest.h"

__attribute__((constructor)) static void forever() {
  for (;;) pause();
}

SOFTMAX { return HONEST_SOFTMAX; }
