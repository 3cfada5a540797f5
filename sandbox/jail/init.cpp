// PID 1 of a jail: builds the jail's view, starts the one jailed program, supervises it, and leaves nothing behind.
// Single-threaded, static, not dumpable, outside the jailed program's reach.

#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <filesystem>
#include <system_error>
#include <tuple>

#include "sandbox/jail/child.h"
#include "sandbox/jail/datagram.h"
#include "sandbox/jail/limits.h"
#include "sandbox/jail/namespaces.h"
#include "sandbox/jail/supervisor.h"
#include "sandbox/jail/written_files.h"
#include "sandbox/sealed_memory.h"

namespace crucible {
namespace {

constexpr std::size_t kMaxPlan = 4u << 20;

void tell(JailMessage message, std::string_view text = {}) {
  send_datagram(InitDescriptors::owner, static_cast<char>(message), text);
}

FileDescriptor child_signals() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGCHLD);
  struct sigaction action {};
  action.sa_handler = SIG_DFL;
  action.sa_flags = SA_NOCLDSTOP;  // a stop is awaited where it is ordered
  ::sigaction(SIGCHLD, &action, nullptr);
  ::sigprocmask(SIG_BLOCK, &set, nullptr);
  FileDescriptor signals(::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!signals) throw std::system_error(errno, std::generic_category(), "signalfd");
  return signals;
}

// The init keeps what it needs to watch over a process of another uid (kill, read its paths, set its affinity).
void drop_own_privileges(const JailWalls& walls) {
  if (!walls.own_uid || walls.user_namespace) return;
  ::prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0);
  if (::setgroups(0, nullptr) != 0 || ::setresgid(walls.uid, walls.uid, walls.uid) != 0 ||
      ::setresuid(walls.uid, walls.uid, walls.uid) != 0)
    throw std::system_error(errno, std::generic_category(), "setresuid of the init");
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  const std::uint32_t kept = 1u << CAP_KILL | 1u << CAP_SYS_PTRACE | 1u << CAP_SYS_NICE;
  __user_cap_data_struct data[2] = {{kept, kept, 0}, {0, 0, 0}};
  ::syscall(SYS_capset, &header, data);
  ::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);  // the uid change has reset it
}

std::string read_status(int status) {
  std::string text;
  char chunk[1024];
  for (;;) {
    const ssize_t got = ::read(status, chunk, sizeof chunk);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return text;
    text.append(chunk, static_cast<std::size_t>(got));
  }
}

struct Pipe {
  FileDescriptor read, write;
};

Pipe make_pipe() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) throw std::system_error(errno, std::generic_category(), "pipe2");
  return {FileDescriptor(ends[0]), FileDescriptor(ends[1])};
}

void run_jail(const JailPlan& plan) {
  const JailView view = enter_root(plan);
  write_files(plan, view);

  Supervisor::Sockets sockets{InitDescriptors::owner, InitDescriptors::warden, -1, {}, {}};
  const FileDescriptor signals = child_signals();
  sockets.signals = signals.get();
  Pipe output = make_pipe();
  Pipe status = make_pipe();
  ::fcntl(output.read.get(), F_SETFL, O_NONBLOCK);
  FileDescriptor handshake;
  if (plan.spec.notifier) std::tie(sockets.handshake, handshake) = datagram_pair();

  const pid_t child = ::fork();
  if (child < 0) throw std::system_error(errno, std::generic_category(), "fork of the jailed process");
  if (child == 0)
    become_jailed(plan, view,
                  {STDIN_FILENO, output.write.get(), handshake.get(), InitDescriptors::helper, status.write.get()});
  output.write.reset();
  status.write.reset();
  handshake.reset();
  for (std::size_t i = 0; i < plan.spec.descriptor_targets.size(); ++i)
    ::close(InitDescriptors::first_passed + static_cast<int>(i));
  ::close(InitDescriptors::helper);
  ::setpriority(PRIO_PROCESS, 0, -10);  // where allowed: a stop must not wait behind busy neighbours
  avoid_cpus(plan.spec.cpus);
  drop_own_privileges(plan.walls);

  const std::string failure = read_status(status.read.get());  // ends when the program is executed
  if (!failure.empty()) return tell(JailMessage::failed, failure);
  sockets.output = std::move(output.read);
  tell(JailMessage::started, view.has_proc ? "proc" : "");
  Supervisor(plan, view, std::move(sockets), child).run();
  if (!plan.walls.scratch_directory.empty()) {
    // The warden removes it too, but may be gone. Links inside are removed, never followed.
    std::error_code ignored;
    std::filesystem::remove_all(plan.walls.scratch_directory, ignored);
  }
}

}  // namespace
}  // namespace crucible

int main() {
  using namespace crucible;
  ::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
  ::prctl(PR_SET_NAME, "crucible-init", 0, 0, 0);
  ::prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
  ::umask(022);
  try {
    const JailPlan plan = JailPlan::unpack(read_all(InitDescriptors::plan, kMaxPlan));
    ::close(InitDescriptors::plan);
    run_jail(plan);
  } catch (const std::exception& error) {
    tell(JailMessage::failed, error.what());
    return 1;
  }
  return 0;
}
