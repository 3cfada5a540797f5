// attack: makes system calls through the 32-bit gate
// row: 45
// task: rms_norm
// allow: integrity_violation, crashed
// finding: forbidden_system_call|-
// twin: twins/rms_norm.cpp
// must: another calling convention ends the process
#include "../parts/honest.h"

RMS_NORM {
  long result;
  asm volatile("int $0x80" : "=a"(result) : "a"(2L) : "memory");  // fork
  return HONEST_RMS_NORM;
}
