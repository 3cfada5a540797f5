// attack: a target attribute for instructions that this machine may lack, chosen at run time without asking
// row: own
// task: softmax
// allow: correct, crashed
// finding: -
// twin: twins/softmax.cpp
// must: an illegal instruction is the kernel's own end
#include "../parts/honest.h"

__attribute__((target("avx512fp16,amx-tile"), noinline)) static void strange() {
  asm volatile("tilerelease");
}

SOFTMAX {
  strange();
  return HONEST_SOFTMAX;
}
