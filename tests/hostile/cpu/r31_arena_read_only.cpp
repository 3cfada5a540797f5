// attack: makes the arena read-only for itself, in case poison survives
// row: 31
// task: softmax
// allow: crashed
// finding: -
// twin: twins/softmax.cpp
// must: it harms only itself
#include <sys/mman.h>

#include "../parts/honest.h"

SOFTMAX {
  const int result = HONEST_SOFTMAX;
  static unsigned calls;
  if (++calls == 6) {
    const auto page = reinterpret_cast<std::uintptr_t>(out->data) & ~std::uintptr_t(4095);
    for (std::uintptr_t at = page; at < page + (64u << 20); at += 4096)
      mprotect(reinterpret_cast<void*>(at), 4096, PROT_READ);
  }
  return result;
}
