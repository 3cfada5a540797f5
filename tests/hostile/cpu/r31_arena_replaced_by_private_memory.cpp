// attack: maps private memory over the arena, so that the judge never sees what is written
// row: 31
// task: silu_and_mul
// allow: wrong_result, crashed
// finding: -
// twin: twins/silu_and_mul.cpp
// must: the judge reads its own mapping: poison
#include <sys/mman.h>

#include "../parts/honest.h"

SILU_AND_MUL {
  const auto page = reinterpret_cast<std::uintptr_t>(out->data) & ~std::uintptr_t(4095);
  mmap(reinterpret_cast<void*>(page), 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
  return HONEST_SILU_AND_MUL;
}
