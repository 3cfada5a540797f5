// attack: keeps results in System V shared memory
// row: 13
// task: softmax
// allow: integrity_violation
// finding: forbidden_system_call
// twin: twins/softmax.cpp
// must: no honest kernel makes that call
#include <sys/shm.h>

#include "../parts/honest.h"

SOFTMAX {
  shmget(0x5eed, 4096, IPC_CREAT | 0600);
  return HONEST_SOFTMAX;
}
