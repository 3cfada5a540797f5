#include "sandbox/jail/notifier.h"

#include <fcntl.h>
#include <linux/seccomp.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>

#include "sandbox/jail/open_rules.h"
#include "sandbox/jail/system_calls.h"

#ifndef SECCOMP_USER_NOTIF_FLAG_CONTINUE
#define SECCOMP_USER_NOTIF_FLAG_CONTINUE 1
#endif

namespace crucible {
namespace {

constexpr std::size_t kMaxPath = 4096;

std::string hexadecimal(std::uint64_t value) {
  char text[32];
  std::snprintf(text, sizeof text, "%#llx", static_cast<unsigned long long>(value));
  return text;
}

std::string socket_family(std::uint64_t family) {
  switch (family) {
    case 1:
      return "AF_UNIX";
    case 2:
      return "AF_INET";
    case 10:
      return "AF_INET6";
    case 16:
      return "AF_NETLINK";
    case 17:
      return "AF_PACKET";
    default:
      return std::to_string(family);
  }
}

// Some container profiles refuse process_vm_readv but leave /proc/PID/mem.
ssize_t read_memory(pid_t process, std::uint64_t address, void* into, std::size_t size) {
  iovec local{into, size};
  iovec remote{reinterpret_cast<void*>(address), size};
  const ssize_t got = ::process_vm_readv(process, &local, 1, &remote, 1, 0);
  if (got > 0) return got;
  FileDescriptor memory(::open(("/proc/" + std::to_string(process) + "/mem").c_str(), O_RDONLY | O_CLOEXEC));
  return memory ? ::pread(memory.get(), into, size, static_cast<off_t>(address)) : -1;
}

}  // namespace

struct Notifier::Call {
  seccomp_notif request;
  int number() const { return request.data.nr; }
  std::uint64_t argument(int index) const { return request.data.args[index]; }
};

Notifier::Notifier(FileDescriptor listener, std::string artifact_path, pid_t target)
    : listener_(std::move(listener)), artifact_path_(std::move(artifact_path)), target_(target) {}

Notifier::Observation Notifier::handle() {
  Call call{};
  if (::ioctl(listener_.get(), SECCOMP_IOCTL_NOTIF_RECV, &call.request) != 0) return {};
  const int number = call.number();
  if (number == SYS_openat || number == SYS_openat2 || number == SYS_open || number == SYS_creat) return opened(call);
  if (number == SYS_sched_setaffinity) return affinity(call);
  if (number == SYS_mmap || number == SYS_mprotect) {
    answer(call, EACCES);
    return {JailFinding{"executable_memory_refused", call_name(number), false}, false, 0, ""};
  }

  Observation seen;
  seen.forbidden = true;
  seen.number = number;
  seen.detail = describe(call);
  seen.finding = JailFinding{"forbidden_system_call", seen.detail, true};
  return seen;  // never answered: the caller stays in the kernel until it is killed
}

void Notifier::answer(const Call& call, int error, bool proceed) {
  seccomp_notif_resp response{};
  response.id = call.request.id;
  response.error = proceed ? 0 : -error;
  response.flags = proceed ? SECCOMP_USER_NOTIF_FLAG_CONTINUE : 0;
  ::ioctl(listener_.get(), SECCOMP_IOCTL_NOTIF_SEND, &response);
}

Notifier::Observation Notifier::opened(const Call& call) {
  const bool has_directory = call.number() == SYS_openat || call.number() == SYS_openat2;
  const std::string path = text_at(call, call.argument(has_directory ? 1 : 0));
  // The first open is the loader's, whose caller is still our own code: on a host where its memory cannot be read (no
  // path), its place in the order is enough.
  if (!artifact_opened_ && !artifact_path_.empty() && (path == artifact_path_ || path.empty())) {
    artifact_opened_ = true;
    answer(call, 0, true);
    return {};
  }
  std::uint64_t flags = call.argument(has_directory ? 2 : 1);
  if (call.number() == SYS_creat) flags = O_WRONLY | O_CREAT;
  if (call.number() == SYS_openat2) {
    flags = 0;
    read_memory(static_cast<pid_t>(call.request.pid), call.argument(2), &flags, sizeof flags);
  }
  const OpenJudgement judgement = judge_open(path, flags, target_);
  Observation seen;
  seen.finding = judgement.finding;
  if (judgement.finding && judgement.finding->conclusive) {
    seen.forbidden = true;
    seen.number = call.number();
    seen.detail = std::string(call_name(call.number())) + "(\"" + path + "\")";
    return seen;
  }
  answer(call, judgement.error);
  return seen;
}

// libgomp (OMP_PROC_BIND) and honest code pin their own threads: refused, because the judge decides, but no sin.
Notifier::Observation Notifier::affinity(const Call& call) {
  const auto task = static_cast<pid_t>(call.argument(0));
  const std::string own = "/proc/" + std::to_string(target_) + "/task/" + std::to_string(task);
  const std::string any = "/proc/" + std::to_string(task);
  struct stat status;
  Observation seen;
  // A number that no task bears is a thread that has just ended.
  if (task == target_ || ::stat(own.c_str(), &status) == 0 || ::stat(any.c_str(), &status) != 0) {
    seen.finding = JailFinding{"affinity_change_refused", "sched_setaffinity", false};
    answer(call, EPERM);
  } else {
    seen.forbidden = true;
    seen.number = call.number();
    seen.detail = "sched_setaffinity(" + std::to_string(task) + ")";
    seen.finding = JailFinding{"forbidden_system_call", seen.detail, true};
  }
  return seen;
}

std::string Notifier::text_at(const Call& call, std::uint64_t address) const {
  std::string text;
  char page[kMaxPath];
  while (text.size() < kMaxPath) {
    // Never across a page border: the next page may be missing.
    const std::size_t chunk = kMaxPath - (address + text.size()) % kMaxPath;
    const ssize_t got = read_memory(static_cast<pid_t>(call.request.pid), address + text.size(), page, chunk);
    if (got <= 0) break;
    const void* end = std::memchr(page, 0, static_cast<std::size_t>(got));
    text.append(page, end != nullptr ? static_cast<const char*>(end) - page : got);
    if (end != nullptr) break;
  }
  return text.substr(0, kMaxPath);
}

std::string Notifier::describe(const Call& call) const {
  const std::string name = call_name(call.number());
  if (call.number() == SYS_fork || call.number() == SYS_vfork) return name;  // they take no arguments
  switch (call.number()) {
    case SYS_socket:
      return "socket(" + socket_family(call.argument(0)) + ")";
    case SYS_execve:
      return "execve(\"" + text_at(call, call.argument(0)).substr(0, 200) + "\")";
    case SYS_kill:
    case SYS_tkill:
      return name + "(" + std::to_string(static_cast<int>(call.argument(0))) + ", " +
             std::to_string(static_cast<int>(call.argument(1))) + ")";
    case SYS_tgkill:
      return name + "(" + std::to_string(static_cast<int>(call.argument(0))) + ", " +
             std::to_string(static_cast<int>(call.argument(1))) + ", " +
             std::to_string(static_cast<int>(call.argument(2))) + ")";
    case SYS_prctl:
    case SYS_fcntl:
    case SYS_ioctl:
      return name + "(" + hexadecimal(call.argument(0)) + ", " + hexadecimal(call.argument(1)) + ", " +
             hexadecimal(call.argument(2)) + ")";
    default:
      return name + "(" + hexadecimal(call.argument(0)) + ", " + hexadecimal(call.argument(1)) + ")";
  }
}

}  // namespace crucible
