#include "env/judge/device_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <cerrno>
#include <chrono>
#include <string>
#include <system_error>
#include <thread>

namespace crucible {
namespace {

/// Another user's file in a sticky folder may be opened, but not with O_CREAT (fs.protected_regular).
FileDescriptor open_shared(const std::string& path) {
  FileDescriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file && errno == ENOENT) {
    file = FileDescriptor(::open(path.c_str(), O_RDONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644));
    if (!file && errno == EEXIST) file = FileDescriptor(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  }
  return file;
}

/// Takes the lock of a file, looking again every few milliseconds: what `check_point` throws gives up.
FileDescriptor lock(const std::string& path, const std::function<void(double)>& check_point) {
  FileDescriptor file = open_shared(path);
  if (!file) throw std::system_error(errno, std::generic_category(), path);
  auto pause = std::chrono::milliseconds(1);
  while (::flock(file.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK && errno != EINTR) throw std::system_error(errno, std::generic_category(), path);
    if (check_point) check_point(0);
    std::this_thread::sleep_for(pause);
    pause = std::min(pause * 2, std::chrono::milliseconds(20));
  }
  return file;
}

}  // namespace

// Who waits holds the gate, so that a judge with one evaluation after the other cannot take the cores again before him.
DeviceLock::DeviceLock(const std::vector<int>& cpus, const std::function<void(double)>& check_point) {
  std::string path = "/tmp/crucible-cpu";
  for (int cpu : cpus) path += "-" + std::to_string(cpu);
  const FileDescriptor gate = lock(path + ".gate", check_point);
  file_ = lock(path + ".lock", check_point);
}

}  // namespace crucible
