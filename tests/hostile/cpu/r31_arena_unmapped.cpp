// attack: unmaps the arena behind its output
// row: 31
// task: rms_norm
// allow: crashed
// finding: -
// twin: twins/rms_norm.cpp
// must: only the runner's own mapping goes
#include <sys/mman.h>

#include "../parts/honest.h"

RMS_NORM {
  const int result = HONEST_RMS_NORM;
  static unsigned calls;
  if (++calls == 6) {
    const auto page = reinterpret_cast<std::uintptr_t>(out->data) & ~std::uintptr_t(4095);
    munmap(reinterpret_cast<void*>(page), 1 << 20);
  }
  return result;
}
