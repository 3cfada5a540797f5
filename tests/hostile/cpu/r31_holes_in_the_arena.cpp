// attack: punches holes into the shared memory after each call, so that the judge reads zeros or faults
// row: 31
// task: rms_norm
// allow: wrong_result, correct
// finding: -
// twin: twins/rms_norm.cpp
// must: a hole reads as zeros, which are wrong; the judge never dies of it
#include <sys/mman.h>

#include "../parts/honest.h"

RMS_NORM {
  const int result = HONEST_RMS_NORM;
  const auto page = reinterpret_cast<std::uintptr_t>(out->data) & ~std::uintptr_t(4095);
  madvise(reinterpret_cast<void*>(page), 1 << 16, 9);  // MADV_REMOVE
  return result;
}
