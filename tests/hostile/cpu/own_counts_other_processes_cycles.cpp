// attack: perf_event_open on the whole processor, to learn when the judge works and how long
// row: own
// task: silu_and_mul
// allow: integrity_violation
// finding: forbidden_system_call
// twin: twins/silu_and_mul.cpp
// must: forbidden and named
#include <sys/syscall.h>
#include <unistd.h>

#include "../parts/honest.h"

SILU_AND_MUL {
  std::uint32_t attributes[32] = {0, 128};
  syscall(SYS_perf_event_open, attributes, -1, 0, -1, 0);
  return HONEST_SILU_AND_MUL;
}
