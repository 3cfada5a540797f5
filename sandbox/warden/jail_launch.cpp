#include "sandbox/warden/jail_launch.h"

#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <system_error>
#include <tuple>

#include "sandbox/jail/datagram.h"
#include "sandbox/jail/descriptors.h"
#include "sandbox/sealed_memory.h"
#include "sandbox/warden/clone.h"

namespace crucible {
namespace {

std::uint64_t namespace_flags(const JailPlan& plan) {
  std::uint64_t flags = 0;
  const JailWalls& walls = plan.walls;
  if (walls.user_namespace) flags |= CLONE_NEWUSER;
  if (walls.pid_namespace) flags |= CLONE_NEWPID;
  if (walls.mount_namespace && !plan.spec.trusted) flags |= CLONE_NEWNS;
  if (walls.net_namespace) flags |= CLONE_NEWNET;
  if (walls.ipc_namespace) flags |= CLONE_NEWIPC;
  if (walls.uts_namespace) flags |= CLONE_NEWUTS;
  return flags;
}

bool write_text(const std::string& path, const std::string& text) {
  FileDescriptor file(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
  return file && ::write(file.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size());
}

// Inside, the jail is root of nothing but its own namespaces; outside, it is `outside`.
bool map_identity(const std::string& process, uid_t outside_user, gid_t outside_group) {
  if (::geteuid() != 0) write_text("/proc/" + process + "/setgroups", "deny");  // what an ordinary user owes the kernel
  return write_text("/proc/" + process + "/uid_map", "0 " + std::to_string(outside_user) + " 1\n") &&
         write_text("/proc/" + process + "/gid_map", "0 " + std::to_string(outside_group) + " 1\n");
}

struct Pipe {
  FileDescriptor read, write;
};

Pipe make_pipe() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) throw std::system_error(errno, std::generic_category(), "pipe2");
  return {FileDescriptor(ends[0]), FileDescriptor(ends[1])};
}

struct InitStart {
  const JailPlan& plan;
  std::vector<std::pair<int, int>> descriptors;
  int init;
  int mapped;  ///< a byte arrives here when the identity maps are written (only where the warden writes them)
};

[[noreturn]] void become_init(InitStart start) {
  try {
    // This is the single-threaded child of a single-threaded process: ordinary code is safe here.
    keep_only(start.descriptors, {&start.init, &start.mapped});
    if (start.plan.walls.user_namespace) {
      char ready = 0;
      if (::read(start.mapped, &ready, 1) != 1) ::_exit(124);
      // Being root inside is what makes the mounts and the other namespaces possible. An ordinary user cannot drop
      // groups.
      ::setgroups(0, nullptr);
      if (::setresgid(0, 0, 0) != 0 || ::setresuid(0, 0, 0) != 0) ::_exit(124);
    }
    ::close(start.mapped);
    ::setsid();
    sigset_t none;
    sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
    char name[] = "crucible-jail-init";
    char* const arguments[] = {name, nullptr};
    char* const environment[] = {nullptr};
    ::syscall(SYS_execveat, start.init, "", arguments, environment, AT_EMPTY_PATH);
  } catch (...) {
  }
  ::_exit(124);
}

std::string make_scratch(const JailPlan& plan) {
  const bool wanted = plan.spec.work_directory_bytes != 0 && (!plan.walls.mount_namespace || plan.spec.trusted);
  if (!wanted) return {};
  char path[] = "/tmp/crucible-jail-XXXXXX";
  if (::mkdtemp(path) == nullptr) throw std::system_error(errno, std::generic_category(), "mkdtemp");
  return path;
}

}  // namespace

LaunchedJail launch_jail(Host& host, JailPlan plan, std::span<const FileDescriptor> passed) {
  LaunchedJail jail;
  jail.scratch_directory = plan.walls.scratch_directory = make_scratch(plan);
  const FileDescriptor packed = sealed_copy("jail-plan", plan.pack());
  FileDescriptor owner_inside, control_inside;
  std::tie(jail.owner, owner_inside) = datagram_pair();
  std::tie(jail.control, control_inside) = datagram_pair();
  Pipe mapped = make_pipe();

  InitStart start{plan, {}, host.executable("crucible-jail-init"), mapped.read.get()};
  const int helper = plan.spec.helper.empty() ? host.null() : host.executable(plan.spec.helper);
  start.descriptors = {{host.null(), 0},
                       {host.null(), 1},
                       {host.null(), 2},
                       {packed.get(), InitDescriptors::plan},
                       {owner_inside.get(), InitDescriptors::owner},
                       {control_inside.get(), InitDescriptors::warden},
                       {helper, InitDescriptors::helper}};
  for (std::size_t i = 0; i < passed.size(); ++i)
    start.descriptors.emplace_back(passed[i].get(), InitDescriptors::first_passed + static_cast<int>(i));

  const pid_t init = clone_process(namespace_flags(plan), jail.pidfd);
  if (init < 0) throw std::system_error(errno, std::generic_category(), "clone of the jail's init");
  if (init == 0) become_init(start);
  jail.init = init;
  if (plan.walls.user_namespace) {
    const bool other = plan.walls.own_uid && !plan.spec.trusted;
    const bool done =
        map_identity(std::to_string(init), other ? plan.walls.uid : ::geteuid(), other ? plan.walls.uid : ::getegid());
    // Without the byte the init leaves; its owner sees end-of-file.
    if (done) [[maybe_unused]]
      const ssize_t told = ::write(mapped.write.get(), "m", 1);
  }
  return jail;
}

}  // namespace crucible
