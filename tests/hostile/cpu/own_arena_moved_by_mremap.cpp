// attack: moves a page of the arena elsewhere (mremap) and puts a private one in its place, to write where nobody looks
// row: own
// task: rms_norm
// allow: crashed, wrong_result, timed_out, integrity_violation
// finding: -
// twin: twins/rms_norm.cpp
// must: outputs are read from the judge's own mapping of the shared memory
#include <sys/mman.h>

#include "../parts/honest.h"

RMS_NORM {
  const honest::Tensor y(out);
  if (honest::empty(y)) return 0;
  auto* page = reinterpret_cast<char*>(reinterpret_cast<std::uintptr_t>(y.first) & ~std::uintptr_t{4095});
  void* kept = mremap(page, 4096, 4096, MREMAP_MAYMOVE | MREMAP_DONTUNMAP);
  if (kept == MAP_FAILED) kept = mremap(page, 4096, 4096, MREMAP_MAYMOVE);
  mmap(page, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
  return HONEST_RMS_NORM;
}
