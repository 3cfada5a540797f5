#include "env/backend/cuda/gpu_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <system_error>
#include <thread>

namespace crucible {

GpuLock::GpuLock(const std::string& uuid, const std::function<void(double)>& check_point) {
  const std::string path = "/tmp/crucible-" + uuid + ".lock";
  // Another user's file in a sticky folder may be opened, but not with O_CREAT (fs.protected_regular).
  file_ = FileDescriptor(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file_ && errno == ENOENT) {
    file_ = FileDescriptor(::open(path.c_str(), O_RDONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644));
    if (!file_ && errno == EEXIST) file_ = FileDescriptor(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  }
  if (!file_) throw std::system_error(errno, std::generic_category(), path);
  auto pause = std::chrono::milliseconds(1);
  while (::flock(file_.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK && errno != EINTR) throw std::system_error(errno, std::generic_category(), path);
    if (check_point) check_point(0);
    std::this_thread::sleep_for(pause);
    pause = std::min(pause * 2, std::chrono::milliseconds(20));
  }
}

}  // namespace crucible
