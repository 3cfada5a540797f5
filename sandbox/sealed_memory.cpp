#include "sandbox/sealed_memory.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

namespace crucible {
namespace {

FileDescriptor create(const char* name) {
  FileDescriptor fd(::memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!fd) throw std::system_error(errno, std::generic_category(), "memfd_create");
  return fd;
}

void seal(int fd, int seals) {
  if (::fcntl(fd, F_ADD_SEALS, seals) != 0) throw std::system_error(errno, std::generic_category(), "F_ADD_SEALS");
}

}  // namespace

FileDescriptor sealed_copy(const char* name, std::string_view bytes) {
  FileDescriptor fd = create(name);
  while (!bytes.empty()) {
    const ssize_t written = ::write(fd.get(), bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) throw std::system_error(errno, std::generic_category(), "write to memfd");
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  seal(fd.get(), F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL);
  return fd;
}

FileDescriptor shared_memory(const char* name, std::size_t bytes) {
  FileDescriptor fd = create(name);
  if (::ftruncate(fd.get(), static_cast<off_t>(bytes)) != 0)
    throw std::system_error(errno, std::generic_category(), "ftruncate of memfd");
  seal(fd.get(), F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL);
  return fd;
}

std::string read_all(int fd, std::size_t limit) {
  std::string bytes;
  char chunk[65536];
  while (bytes.size() < limit) {
    const std::size_t want = std::min(sizeof chunk, limit - bytes.size());
    const ssize_t got = ::pread(fd, chunk, want, static_cast<off_t>(bytes.size()));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) throw std::system_error(errno, std::generic_category(), "read");
    if (got == 0) break;
    bytes.append(chunk, static_cast<std::size_t>(got));
  }
  return bytes;
}

}  // namespace crucible
