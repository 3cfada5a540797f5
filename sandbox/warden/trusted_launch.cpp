#include "sandbox/warden/trusted_launch.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <system_error>
#include <utility>

#include "sandbox/jail/descriptors.h"
#include "sandbox/warden/clone.h"

namespace crucible {
namespace {

std::pair<FileDescriptor, FileDescriptor> stream_pair() {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
    throw std::system_error(errno, std::generic_category(), "socketpair");
  return {FileDescriptor(ends[0]), FileDescriptor(ends[1])};
}

std::vector<char*> pointers(const std::vector<std::string>& texts) {
  std::vector<char*> result;
  for (const std::string& text : texts) result.push_back(const_cast<char*>(text.c_str()));
  result.push_back(nullptr);
  return result;
}

}  // namespace

LaunchedHelper launch_trusted(Host& host, const std::string& name, const std::vector<std::string>& arguments,
                              const std::vector<std::string>& environment) {
  LaunchedHelper helper;
  int executable = host.executable(name);
  auto [peer, peer_inside] = stream_pair();
  auto [client, client_inside] = stream_pair();
  std::vector<std::string> all = {host.libexec() + "/" + name};
  all.insert(all.end(), arguments.begin(), arguments.end());

  const pid_t warden = ::getpid();
  const pid_t process = clone_process(0, helper.pidfd);
  if (process < 0) throw std::system_error(errno, std::generic_category(), "clone of " + name);
  if (process == 0) {
    try {
      ::prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
      if (::getppid() != warden) ::_exit(124);
      keep_only(
          {{host.null(), 0}, {STDERR_FILENO, 1}, {STDERR_FILENO, 2}, {peer_inside.get(), 3}, {client_inside.get(), 4}},
          {&executable});
      sigset_t none;
      sigemptyset(&none);
      ::sigprocmask(SIG_SETMASK, &none, nullptr);
      ::syscall(SYS_execveat, executable, "", pointers(all).data(), pointers(environment).data(), AT_EMPTY_PATH);
    } catch (...) {
    }
    ::_exit(124);
  }
  helper.process = process;
  helper.peer = std::move(peer);
  helper.client = std::move(client);
  return helper;
}

}  // namespace crucible
