// attack: keeps results in POSIX shared memory
// row: 13
// task: softmax
// allow: correct
// finding: file_access_denied
// twin: twins/softmax.cpp
// must: shm_open is an open of /dev/shm and is refused
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../parts/honest.h"

SOFTMAX {
  static bool once = [] {
    const int fd = shm_open("/softmax_results", O_CREAT | O_RDWR, 0600);
    if (fd >= 0 && ftruncate(fd, 4096) == 0) mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    return true;
  }();
  (void)once;
  return HONEST_SOFTMAX;
}
