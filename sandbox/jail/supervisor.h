#pragma once

#include <sys/types.h>
#include <sys/wait.h>

#include <chrono>
#include <optional>
#include <string>

#include "sandbox/file_descriptor.h"
#include "sandbox/jail/namespaces.h"
#include "sandbox/jail/notifier.h"
#include "sandbox/jail/process_tree.h"
#include "sandbox/jail/report.h"
#include "sandbox/jail/spec.h"

namespace crucible {

/// The init's life after its child runs: one poll loop that obeys the owner, keeps the deadline, captures output,
/// answers notifications, reaps, and reports. Ends when the child ended, when the owner or the warden closed its
/// socket, or at the deadline; nothing of the jail is left then.
class Supervisor {
 public:
  struct Sockets {
    int owner;
    int warden;
    int signals;  ///< signalfd of SIGCHLD
    FileDescriptor output;
    FileDescriptor handshake;
  };
  Supervisor(const JailPlan& plan, const JailView& view, Sockets sockets, pid_t child);

  /// Runs until the jail is empty and the report is sent.
  void run();

 private:
  void wait_for_events();
  void obey_owner();
  void reap();
  void reaped(const siginfo_t& info);
  bool stop_child();  ///< every thread of the child has stopped; may be asked again while it is
  void end(bool deadline_passed);
  void capture_output();
  void take_handshake();
  void take_notification();
  bool counts_tasks() const;
  void count_tasks();
  void finish();
  void collect(const CollectedFile& file);
  void freeze();
  void thaw();
  std::optional<std::chrono::steady_clock::time_point> deadline() const;
  int poll_timeout() const;

  const JailPlan& plan_;
  const JailView& view_;
  Sockets sockets_;
  pid_t child_;
  ProcessTree tree_;
  std::chrono::steady_clock::time_point started_ = std::chrono::steady_clock::now();
  std::chrono::steady_clock::time_point next_count_{};

  std::optional<std::chrono::steady_clock::time_point> frozen_since_;  ///< the deadline stands still meanwhile

  std::optional<Notifier> notifier_;
  std::optional<Notifier::Observation> forbidden_;
  int quiet_findings_ = 0;
  std::optional<Fate> fate_;
  bool killed_by_us_ = false;
  bool owner_gone_ = false;
  bool abandoned_ = false;  ///< the warden is gone
  bool stopped_ = false;    ///< by stop_child(), until resumed
  bool too_many_tasks_ = false;
  JailReport report_;
};

}  // namespace crucible
