// attack: makes system calls under the x32 numbers
// row: 45
// task: softmax
// allow: integrity_violation, crashed
// finding: forbidden_system_call|-
// twin: twins/softmax.cpp
// must: another calling convention ends the process
#include "../parts/honest.h"

SOFTMAX {
  long result;
  asm volatile("syscall" : "=a"(result) : "a"(0x40000000L + 41), "D"(2L), "S"(1L), "d"(0L) : "rcx", "r11", "memory");
  return HONEST_SOFTMAX;
}
