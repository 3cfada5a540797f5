#include "sandbox/runner/loader.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <unistd.h>

#include "sandbox/file_descriptor.h"
#include "sandbox/sealed_memory.h"

namespace crucible {
namespace {

constexpr std::size_t kMaxArtifact = 64u << 20;

std::string error_text() {
  const char* text = ::dlerror();
  return text != nullptr ? text : "unknown loader error";
}

}  // namespace

LoadedEntry load_entry(const std::string& path, const std::string& entry_point) {
  LoadedEntry entry;
  void* handle = ::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (handle == nullptr) {
    entry.error = "dlopen: " + error_text();
    return entry;
  }
  entry.address = ::dlsym(handle, entry_point.c_str());
  if (entry.address == nullptr) entry.error = "entry point " + entry_point + ": " + error_text();
  return entry;
}

std::string loadable_path(int fd) {
  const std::string proc = "/proc/self/fd/" + std::to_string(fd);
  if (::access(proc.c_str(), R_OK) == 0) return proc;
  const std::string copy = "./artifact.so";
  const std::string bytes = read_all(fd, kMaxArtifact);
  FileDescriptor file(::open(copy.c_str(), O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0500));
  if (!file) return {};
  for (std::size_t done = 0; done < bytes.size();) {
    const ssize_t count = ::write(file.get(), bytes.data() + done, bytes.size() - done);
    if (count <= 0) return {};
    done += static_cast<std::size_t>(count);
  }
  return copy;
}

}  // namespace crucible
