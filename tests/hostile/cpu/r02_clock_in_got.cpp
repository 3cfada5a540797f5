// attack: makes the runner's relocated pointers writable and points its clock and futex wrappers at a constant clock
// row: 2
// task: rms_norm
// allow: correct, crashed, load_error
// finding: -
// twin: twins/rms_norm.cpp
// must: no clock of that process is ever read: nothing is gained
#include <link.h>
#include <sys/mman.h>
#include <time.h>

#include "../parts/honest.h"

static int frozen(clockid_t, timespec* t) {
  t->tv_sec = 1, t->tv_nsec = 1;
  return 0;
}

static int patch(dl_phdr_info* info, std::size_t, void*) {
  void* clock = reinterpret_cast<void*>(&clock_gettime);
  for (int i = 0; i < info->dlpi_phnum; ++i) {
    const auto& header = info->dlpi_phdr[i];
    if (header.p_type != PT_LOAD || !(header.p_flags & PF_W)) continue;
    const std::uintptr_t begin = (info->dlpi_addr + header.p_vaddr) & ~std::uintptr_t(4095);
    const std::uintptr_t end = info->dlpi_addr + header.p_vaddr + header.p_memsz;
    if (mprotect(reinterpret_cast<void*>(begin), end - begin, PROT_READ | PROT_WRITE) != 0) continue;
    for (std::uintptr_t at = begin; at + 8 <= end; at += 8)
      if (*reinterpret_cast<void**>(at) == clock) *reinterpret_cast<void**>(at) = reinterpret_cast<void*>(&frozen);
  }
  return 0;
}

RMS_NORM {
  static bool once = (dl_iterate_phdr(patch, nullptr), true);
  (void)once;
  return HONEST_RMS_NORM;
}
