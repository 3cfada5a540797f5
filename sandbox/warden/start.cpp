#include "sandbox/warden/start.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

// Boost leaves its own vfork switch undefined with strict -std=c++20.
#define BOOST_POSIX_HAS_VFORK 1
#include <boost/process/args.hpp>
#include <boost/process/child.hpp>
#include <boost/process/env.hpp>
#include <boost/process/environment.hpp>
#include <boost/process/exe.hpp>
#include <boost/process/io.hpp>
#include <boost/process/posix.hpp>
#include <cerrno>
#include <cstdlib>
#include <stdexcept>
#include <system_error>

#include "sandbox/warden/messages.h"

namespace crucible {
namespace {

// Above every number that the child assigns, so that no dup2 meets its own target.
FileDescriptor raised(int fd) {
  FileDescriptor high(::fcntl(fd, F_DUPFD_CLOEXEC, 64));
  if (!high) throw std::system_error(errno, std::generic_category(), "F_DUPFD_CLOEXEC");
  return high;
}

}  // namespace

StartedWarden start_warden(const std::string& libexec) {
  namespace bp = boost::process;
  const std::string executable = libexec + "/crucible-warden";
  if (::access(executable.c_str(), X_OK) != 0)
    throw std::runtime_error("cannot run " + executable + ": " + std::generic_category().message(errno));
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
    throw std::system_error(errno, std::generic_category(), "socketpair");
  FileDescriptor ours(ends[0]);
  FileDescriptor theirs(ends[1]);
  theirs = raised(theirs.get());

  bp::environment environment;
  environment["PATH"] = "/usr/local/bin:/usr/bin:/bin";
  if (const char* level = std::getenv("CRUCIBLE_SANDBOX_LEVEL")) environment["CRUCIBLE_SANDBOX_LEVEL"] = level;
  std::error_code error;
  bp::child child(bp::exe = executable, bp::args = {libexec}, environment, bp::std_in < bp::null,
                  bp::posix::fd.bind(kWardenClientDescriptor, theirs.get()), bp::posix::use_vfork, error);
  if (error) throw std::runtime_error("cannot start " + executable + ": " + error.message());
  StartedWarden started{child.id(), std::move(ours)};
  child.detach();  // reaped by the client that owns it
  return started;
}

}  // namespace crucible
