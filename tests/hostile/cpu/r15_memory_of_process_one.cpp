// attack: reads the memory of the jail's init through /proc/1/mem
// row: 15
// task: softmax
// allow: integrity_violation
// finding: process_memory_access
// twin: twins/softmax.cpp
// must: refused and named
#include <fcntl.h>

#include "../parts/honest.h"

SOFTMAX {
  open("/proc/1/mem", O_RDONLY);
  return HONEST_SOFTMAX;
}
