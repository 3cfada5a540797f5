// attack: opens libm's file by another name and maps it executable without the loader
// row: 26
// task: rms_norm
// allow: correct, integrity_violation
// finding: -
// twin: twins/rms_norm.cpp
// must: no file is opened after the artifact
#include <fcntl.h>
#include <sys/mman.h>

#include "../parts/honest.h"

RMS_NORM {
  static void* at = [] {
    const int fd = open("/usr/lib/x86_64-linux-gnu/libm.so.6", O_RDONLY);
    return mmap(nullptr, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0);
  }();
  if (at != MAP_FAILED) return 7;
  return HONEST_RMS_NORM;
}
