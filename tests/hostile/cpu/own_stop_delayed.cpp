// attack: keeps threads in uninterruptible work (faults over gigabytes) so that the stop takes long and the baseline waits
// row: own
// task: rms_norm
// allow: correct, crashed, timed_out, wrong_result
// finding: -
// twin: twins/rms_norm.cpp
// must: a runner that cannot be stopped is ended; no infrastructure error
#include <sys/mman.h>

#include <thread>

#include "../parts/honest.h"

RMS_NORM {
  static bool once = [] {
    std::thread([] {
      for (;;) {
        void* p = mmap(nullptr, 64 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
        if (p != MAP_FAILED) munmap(p, 64 << 20);
      }
    }).detach();
    return true;
  }();
  (void)once;
  return HONEST_RMS_NORM;
}
