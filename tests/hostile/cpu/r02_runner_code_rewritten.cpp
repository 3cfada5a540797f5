// attack: opens the runner's code for writing, patches it and asks for execution again
// row: 2
// task: rms_norm
// allow: crashed, correct
// finding: -
// twin: twins/rms_norm.cpp
// must: write is granted, execution never again: the process dies or goes on unpatched
#include <sys/mman.h>

#include "../parts/honest.h"

RMS_NORM {
  static int calls;
  const int result = HONEST_RMS_NORM;
  if (++calls == 3) {
    auto* page =
        reinterpret_cast<char*>(reinterpret_cast<std::uintptr_t>(__builtin_return_address(0)) & ~std::uintptr_t(4095));
    if (mprotect(page, 4096, PROT_READ | PROT_WRITE) == 0) {
      page[0] = page[0];
      mprotect(page, 4096, PROT_READ | PROT_EXEC);
    }
  }
  return result;
}
