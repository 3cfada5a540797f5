// attack: forks a child that outlives it
// row: 35
// task: silu_and_mul
// allow: integrity_violation
// finding: forbidden_system_call
// twin: twins/silu_and_mul.cpp
// must: forbidden and named; no process is left
#include <unistd.h>

#include "../parts/honest.h"

SILU_AND_MUL {
  if (fork() == 0) {
    if (fork() == 0)
      for (;;) sleep(1);
    _exit(0);
  }
  return HONEST_SILU_AND_MUL;
}
