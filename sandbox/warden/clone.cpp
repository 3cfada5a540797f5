#include "sandbox/warden/clone.h"

#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <csignal>

#ifndef CLONE_PIDFD
#define CLONE_PIDFD 0x00001000
#endif

namespace crucible {

pid_t clone_process(std::uint64_t namespaces, FileDescriptor& pidfd) {
  int fd = -1;
  // The pidfd comes back where a parent tid would: third argument on every architecture.
  const long process = ::syscall(SYS_clone, namespaces | CLONE_PIDFD | SIGCHLD, nullptr, &fd, nullptr, nullptr);
  if (process > 0) pidfd = FileDescriptor(fd);
  return static_cast<pid_t>(process);
}

}  // namespace crucible
