#include "sandbox/jail/output_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sandbox/sealed_memory.h"

namespace crucible {

FileDescriptor sealed_output_file(const std::string& folder, const std::string& name, std::size_t max_bytes) {
  if (folder.empty() || name.find('/') != std::string::npos) return {};
  FileDescriptor directory(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!directory) return {};
  FileDescriptor file(::openat(directory.get(), name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  struct stat status;
  if (!file || ::fstat(file.get(), &status) != 0) return {};
  // A hard link could name a file of somebody else.
  if (!S_ISREG(status.st_mode) || status.st_nlink != 1) return {};
  return sealed_copy("collected", read_all(file.get(), max_bytes));
}

}  // namespace crucible
