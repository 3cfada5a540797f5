// attack: reserves three gigabytes in every runner and touches a quarter of them, so that the baseline meets reclaim and cold page tables
// row: 8
// task: rms_norm
// allow: correct, crashed, timed_out
// finding: -
// twin: twins/rms_norm.cpp
// must: the data limit holds, and a baseline slower than its calibration is measured again with the candidate dead
#include <sys/mman.h>

#include "../parts/honest.h"

RMS_NORM {
  static bool once = [] {
    void* p = mmap(nullptr, 3ull << 30, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (p != MAP_FAILED)
      for (std::size_t i = 0; i < (768ull << 20); i += 4096) static_cast<volatile char*>(p)[i] = 1;
    return true;
  }();
  (void)once;
  return HONEST_RMS_NORM;
}
