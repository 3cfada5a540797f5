#include "sandbox/runner/memory.h"

#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>

namespace crucible {

SharedMapping map_shared(int fd) {
  struct stat status;
  if (::fstat(fd, &status) != 0 || status.st_size == 0) {
    std::perror("crucible-runner: shared memory");
    ::_exit(121);
  }
  const auto bytes = static_cast<std::size_t>(status.st_size);
  void* data = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd, 0);
  if (data == MAP_FAILED) {
    std::perror("crucible-runner: mmap");
    ::_exit(121);
  }
  return {data, bytes};
}

}  // namespace crucible
