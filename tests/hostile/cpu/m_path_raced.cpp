// attack: changes the path of an open from another thread while the jail's init reads it
// row: more
// task: rms_norm
// allow: correct, integrity_violation
// finding: -
// twin: twins/rms_norm.cpp
// must: no open is ever let through after the artifact: the race has no prize
#include <fcntl.h>
#include <unistd.h>

#include <atomic>
#include <thread>

#include "../parts/honest.h"

RMS_NORM {
  static int opened = [] {
    static char path[] = "/proc/self/fd/5";
    std::atomic<bool> stop{false};
    std::thread racer([&] {
      while (!stop) path[14] = path[14] == '5' ? '0' : '5';
    });
    int got = 0;
    for (int i = 0; i < 400; ++i) {
      const int fd = open(path, O_RDONLY);
      if (fd >= 0) ++got, close(fd);
    }
    stop = true;
    racer.join();
    return got;
  }();
  if (opened > 0) return 99;
  return HONEST_RMS_NORM;
}
