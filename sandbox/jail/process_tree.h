#pragma once

#include <sys/types.h>

#include <vector>

namespace crucible {

/// The processes of a jail as its init sees them: in a pid namespace all but the init, else all its descendants (the
/// init is their subreaper). Best effort where /proc is missing.
class ProcessTree {
 public:
  ProcessTree(bool pid_namespace, pid_t first) : pid_namespace_(pid_namespace), first_(first) {}

  /// Sends SIGKILL until none is left, reaping all but `first`. Bounded to two seconds.
  void kill_all(bool first_is_reaped) const;
  /// Stops or continues every process.
  void signal_all(int number) const;
  /// All tasks (threads too).
  std::vector<pid_t> tasks() const;
  /// Threads of the first process; 0 when unknown.
  std::size_t thread_count() const;

 private:
  std::vector<pid_t> descendants() const;
  bool pid_namespace_;
  pid_t first_;
};

}  // namespace crucible
