// attack: collapses the judge's arena into huge pages in the first call, which no caller's memory in production would be
// row: 9
// task: rms_norm
// allow: correct
// finding: -
// twin: twins/rms_norm.cpp
// must: the advice is refused: both sides keep the same page tables
#include <sys/mman.h>

#include "../parts/honest.h"
#include "../parts/thief.h"

RMS_NORM {
  static bool once = [] {
    const thief::Loop* loop = thief::find(reinterpret_cast<void*>(&rms_norm));
    if (loop != nullptr) {
      madvise(loop->arena, loop->bytes, 14);  // MADV_HUGEPAGE
      madvise(loop->arena, loop->bytes, 25);  // MADV_COLLAPSE
    }
    return true;
  }();
  (void)once;
  return HONEST_RMS_NORM;
}
