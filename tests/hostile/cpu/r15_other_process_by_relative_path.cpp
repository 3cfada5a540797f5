// attack: opens /proc as a directory and then 1/mem relative to it
// row: 15
// task: softmax
// allow: integrity_violation, correct
// finding: -
// twin: twins/softmax.cpp
// must: the directory itself cannot be opened, so a relative path leads nowhere
#include <fcntl.h>

#include "../parts/honest.h"

SOFTMAX {
  const int proc = open("/proc", O_RDONLY | O_DIRECTORY);
  openat(proc, "1/mem", O_RDONLY);
  return HONEST_SOFTMAX;
}
