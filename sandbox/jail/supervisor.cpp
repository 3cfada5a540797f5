#include "sandbox/jail/supervisor.h"

#include <fcntl.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <utility>

#include "sandbox/jail/datagram.h"
#include "sandbox/jail/limits.h"
#include "sandbox/jail/output_file.h"
#include "sandbox/packing.h"

namespace crucible {
namespace {

constexpr int kMaxQuietFindings = 8;
constexpr std::size_t kMaxOutput = 64u << 10;  // fits one datagram with the rest of a report
constexpr auto kStopPatience = std::chrono::seconds(1);
constexpr auto kCountInterval = std::chrono::milliseconds(50);

char letter(JailMessage message) { return static_cast<char>(message); }

}  // namespace

Supervisor::Supervisor(const JailPlan& plan, const JailView& view, Sockets sockets, pid_t child)
    : plan_(plan), view_(view), sockets_(std::move(sockets)), child_(child), tree_(plan.walls.pid_namespace, child) {}

void Supervisor::run() {
  while (!fate_) wait_for_events();
  finish();
}

void Supervisor::freeze() {
  if (frozen_since_) return;
  frozen_since_ = std::chrono::steady_clock::now();
  tree_.signal_all(SIGSTOP);
}

void Supervisor::thaw() {
  if (!frozen_since_) return;
  started_ += std::chrono::steady_clock::now() - *std::exchange(frozen_since_, std::nullopt);
  tree_.signal_all(SIGCONT);
}

std::optional<std::chrono::steady_clock::time_point> Supervisor::deadline() const {
  if (plan_.spec.deadline.count() == 0 || frozen_since_) return std::nullopt;
  return started_ + plan_.spec.deadline;
}

int Supervisor::poll_timeout() const {
  using std::chrono::milliseconds;
  milliseconds wait{-1};
  if (const auto end = deadline()) {
    const auto left = std::chrono::ceil<milliseconds>(*end - std::chrono::steady_clock::now());
    wait = std::max(left, milliseconds(0));
  }
  if (counts_tasks() && (wait.count() < 0 || wait > kCountInterval)) wait = kCountInterval;
  return static_cast<int>(wait.count());
}

void Supervisor::wait_for_events() {
  // A negative descriptor is skipped by poll.
  std::array<pollfd, 6> events = {{{sockets_.owner, POLLIN, 0},
                                   {sockets_.warden, POLLIN, 0},
                                   {sockets_.signals, POLLIN, 0},
                                   {sockets_.output.get(), POLLIN, 0},
                                   {sockets_.handshake.get(), POLLIN, 0},
                                   {notifier_ ? notifier_->descriptor() : -1, POLLIN, 0}}};
  const int ready = ::poll(events.data(), events.size(), poll_timeout());
  if (ready < 0 && errno != EINTR) return end(false);
  const auto& [owner, warden, signals, output, handshake, notifier] = events;
  // Evidence first: a forbidden call must be recorded before the death that follows it is.
  if (notifier.revents != 0) take_notification();
  if (handshake.revents != 0) take_handshake();
  if (output.revents != 0) capture_output();
  if (signals.revents != 0) reap();
  if (owner.revents != 0 && !fate_) obey_owner();
  if ((warden.revents & (POLLHUP | POLLERR | POLLIN)) != 0) {
    Datagram message;
    if (receive_datagram(sockets_.warden, message) == Arrival::end_of_file) {
      abandoned_ = true;
      return end(false);
    }
    if (message.type == letter(JailMessage::stop)) freeze();
    if (message.type == letter(JailMessage::resume)) thaw();
  }
  if (counts_tasks() && std::chrono::steady_clock::now() >= next_count_) count_tasks();
  if (deadline() && std::chrono::steady_clock::now() >= *deadline()) end(true);
}

void Supervisor::obey_owner() {
  Datagram message;
  const Arrival arrival = receive_datagram(sockets_.owner, message);
  if (arrival == Arrival::nothing) return;
  if (arrival == Arrival::end_of_file) {
    owner_gone_ = true;
    return end(false);
  }
  switch (static_cast<JailMessage>(message.type)) {
    case JailMessage::stop:
      if (stop_child()) send_datagram(sockets_.owner, letter(JailMessage::stopped));
      break;
    case JailMessage::resume:
      stopped_ = false;
      ::kill(child_, SIGCONT);
      break;
    case JailMessage::kill:
      end(false);
      break;
    case JailMessage::affinity: {
      std::vector<int> cpus;
      Unpacker unpacker(message.body);
      unpacker.list([&] { cpus.push_back(static_cast<int>(unpacker.number())); });
      for (const pid_t task : tree_.tasks()) set_affinity(task, cpus);
      break;
    }
    case JailMessage::output:
      capture_output();
      send_datagram(sockets_.owner, letter(JailMessage::captured), report_.output);
      break;
    default:
      break;
  }
}

// The child cannot undo or fake this: its filter refuses stop and continue signals, and timers that could send them.
bool Supervisor::stop_child() {
  if (stopped_) return true;  // a process reports that it stopped once: asking again would wait for ever
  if (::kill(child_, SIGSTOP) != 0) return false;
  const auto deadline = std::chrono::steady_clock::now() + kStopPatience;
  for (int round = 0;; ++round) {
    siginfo_t info{};
    if (::waitid(P_PID, static_cast<id_t>(child_), &info, WSTOPPED | WEXITED | WNOHANG) != 0) return false;
    if (info.si_pid == child_) {
      if (info.si_code == CLD_STOPPED) return stopped_ = true;
      reaped(info);
      return false;
    }
    if (std::chrono::steady_clock::now() > deadline) {
      end(false);
      return false;
    }
    if (round < 1000) {
      ::sched_yield();
    } else {
      ::usleep(50);
    }
  }
}

void Supervisor::reap() {
  signalfd_siginfo arrived;
  while (::read(sockets_.signals, &arrived, sizeof arrived) > 0) {
  }
  for (;;) {
    siginfo_t info{};
    if (::waitid(P_ALL, 0, &info, WEXITED | WNOHANG) != 0 || info.si_pid == 0) return;
    if (info.si_pid == child_) reaped(info);
  }
}

void Supervisor::reaped(const siginfo_t& info) {
  if (notifier_) take_notification();
  Fate fate;
  fate.code = info.si_status;
  if (forbidden_) {
    fate = {FateKind::forbidden, forbidden_->number, forbidden_->detail};
  } else if (info.si_code == CLD_EXITED) {
    fate.kind = FateKind::exited;
  } else if (abandoned_) {  // nothing that the program did: whoever hears of it tries again
    fate = {FateKind::lost, 0, "the warden is gone"};
  } else if (killed_by_us_) {
    fate = {FateKind::killed, SIGKILL, too_many_tasks_ ? "too many threads or processes" : ""};
  } else if (info.si_status == SIGSYS) {  // no listener on this host: the filter itself killed it
    fate = {FateKind::forbidden, 0, "a system call of the forbidden list"};
    send_datagram(sockets_.owner, letter(JailMessage::finding),
                  pack(JailFinding{"forbidden_system_call", "killed by SIGSYS", true}));
  } else {
    fate.kind = FateKind::signalled;
  }
  fate_ = fate;
}

void Supervisor::end(bool deadline_passed) {
  if (fate_) return;
  report_.deadline_passed = report_.deadline_passed || deadline_passed;
  killed_by_us_ = true;
  ::kill(child_, SIGKILL);
  siginfo_t info{};
  if (::waitid(P_PID, static_cast<id_t>(child_), &info, WEXITED) == 0) reaped(info);
  if (!fate_) fate_ = Fate{FateKind::killed, SIGKILL, ""};
}

void Supervisor::capture_output() {
  char chunk[16384];
  // Bounded a round, so that a flood cannot starve the owner; the surplus is read and forgotten.
  for (int round = 0; round < 16 && sockets_.output; ++round) {
    const ssize_t got = ::read(sockets_.output.get(), chunk, sizeof chunk);
    if (got == 0) sockets_.output.reset();
    if (got <= 0) return;
    const std::size_t limit = std::min<std::size_t>(plan_.spec.output_bytes, kMaxOutput);
    const std::size_t room = limit - std::min(limit, report_.output.size());
    report_.output.append(chunk, std::min(room, static_cast<std::size_t>(got)));
  }
}

void Supervisor::take_handshake() {
  Datagram message;
  const Arrival arrival = receive_datagram(sockets_.handshake.get(), message);
  if (arrival == Arrival::nothing) return;
  if (arrival == Arrival::message && message.descriptor)
    notifier_.emplace(std::move(message.descriptor), message.body, child_);
  if (arrival == Arrival::message) send_datagram(sockets_.handshake.get(), 'k');
  sockets_.handshake.reset();  // one message, before anything of the candidate runs
}

void Supervisor::take_notification() {
  pollfd waiting{notifier_->descriptor(), POLLIN, 0};
  if (::poll(&waiting, 1, 0) <= 0) return;
  if ((waiting.revents & POLLIN) == 0) {  // no task is left under the filter
    notifier_.reset();
    return;
  }
  Notifier::Observation seen = notifier_->handle();
  if (seen.finding && (seen.finding->conclusive || quiet_findings_++ < kMaxQuietFindings))
    send_datagram(sockets_.owner, letter(JailMessage::finding), pack(*seen.finding));
  if (seen.forbidden && !forbidden_) {
    forbidden_ = std::move(seen);
    ::kill(child_, SIGKILL);
  }
}

bool Supervisor::counts_tasks() const { return plan_.spec.limits.processes != 0 && !plan_.walls.counts_processes; }

void Supervisor::count_tasks() {
  next_count_ = std::chrono::steady_clock::now() + kCountInterval;
  // A candidate's runner cannot fork: its threads are all there is, and cheaper to count.
  const std::size_t tasks = plan_.spec.notifier ? tree_.thread_count() : tree_.tasks().size();
  if (tasks <= plan_.spec.limits.processes) return;
  too_many_tasks_ = true;
  end(false);
}

void Supervisor::finish() {
  tree_.kill_all(true);
  if (sockets_.output) capture_output();
  if (owner_gone_) return;
  rusage usage{};
  ::getrusage(RUSAGE_CHILDREN, &usage);
  report_.cpu_time = std::chrono::seconds(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
                     std::chrono::microseconds(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
  report_.peak_memory_bytes = static_cast<std::uint64_t>(usage.ru_maxrss) * 1024;
  report_.fate = *fate_;
  for (const CollectedFile& file : plan_.spec.collected) collect(file);
  send_datagram(sockets_.owner, letter(JailMessage::ended), report_.pack());
}

void Supervisor::collect(const CollectedFile& file) {
  FileDescriptor copy = sealed_output_file(view_.work_directory, file.name, file.max_bytes);
  if (copy) send_datagram(sockets_.owner, letter(JailMessage::collected), file.name, copy.get());
}

}  // namespace crucible
