// attack: moves a page of its own code over the runner's call loop with mremap, since mprotect refuses executable memory
// row: 2
// task: softmax
// allow: crashed, correct, timed_out, wrong_result
// finding: -
// twin: twins/softmax.cpp
// must: whatever the loop becomes, it holds no clock and no verdict
#include <sys/mman.h>

#include "../parts/honest.h"

__attribute__((aligned(4096), section("own_text"), used)) static int filler() {
  for (;;) {
  }
}

SOFTMAX {
  static int calls;
  const int result = HONEST_SOFTMAX;
  if (++calls == 5) {
    const auto target = reinterpret_cast<std::uintptr_t>(__builtin_return_address(0)) & ~std::uintptr_t(4095);
    const auto own = reinterpret_cast<std::uintptr_t>(&filler) & ~std::uintptr_t(4095);
    mremap(reinterpret_cast<void*>(own), 4096, 4096, MREMAP_MAYMOVE | MREMAP_FIXED, reinterpret_cast<void*>(target));
  }
  return result;
}
