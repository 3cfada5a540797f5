#include "sandbox/warden/host.h"

#include <fcntl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <sstream>
#include <stdexcept>
#include <system_error>

namespace crucible {
namespace {

// The loader itself lists what it maps; only ever asked about our own and installed programs, never about an artifact.
std::string trace_libraries(int executable, const std::string& name) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) throw std::system_error(errno, std::generic_category(), "pipe2");
  FileDescriptor read(ends[0]), write(ends[1]);
  const pid_t child = ::fork();
  if (child < 0) throw std::system_error(errno, std::generic_category(), "fork");
  if (child == 0) {
    ::dup2(write.get(), STDOUT_FILENO);
    char* const arguments[] = {const_cast<char*>(name.c_str()), nullptr};
    char trace[] = "LD_TRACE_LOADED_OBJECTS=1";
    char* const environment[] = {trace, nullptr};
    ::syscall(SYS_execveat, executable, "", arguments, environment, AT_EMPTY_PATH);
    ::_exit(127);
  }
  write.reset();
  std::string text;
  char chunk[4096];
  for (ssize_t got; (got = ::read(read.get(), chunk, sizeof chunk)) > 0;)
    text.append(chunk, static_cast<std::size_t>(got));
  int status = 0;
  ::waitpid(child, &status, 0);
  return text;
}

}  // namespace

Host::Host(const std::string& libexec)
    : libexec_(libexec),
      folder_(::open(libexec.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC)),
      null_(::open("/dev/null", O_RDWR | O_CLOEXEC)) {
  if (!folder_) throw std::system_error(errno, std::generic_category(), "helper executables in " + libexec);
  if (!null_) throw std::system_error(errno, std::generic_category(), "/dev/null");
  executable("crucible-jail-init");
}

int Host::executable(const std::string& name) {
  const auto known = executables_.find(name);
  if (known != executables_.end()) return known->second.get();
  if (name.empty() || name.find('/') != std::string::npos) throw std::runtime_error("not a helper's name: " + name);
  FileDescriptor file(::openat(folder_.get(), name.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file) throw std::system_error(errno, std::generic_category(), "helper " + libexec_ + "/" + name);
  return executables_.emplace(name, std::move(file)).first->second.get();
}

const std::vector<std::string>& Host::libraries(const std::string& program) {
  const auto known = libraries_.find(program);
  if (known != libraries_.end()) return known->second;
  std::vector<std::string> found;
  FileDescriptor installed;
  if (program.front() == '/') installed = FileDescriptor(::open(program.c_str(), O_RDONLY | O_CLOEXEC));
  const int file = program.front() == '/' ? installed.get() : executable(program);
  std::istringstream lines(file >= 0 ? trace_libraries(file, program) : std::string());
  for (std::string line; std::getline(lines, line);) {
    const std::size_t start = line.find('/');  // "libm.so.6 => /lib/…/libm.so.6 (0x…)" or "/lib64/ld-… (0x…)"
    const std::size_t end = line.find(" (0x", start == std::string::npos ? 0 : start);
    if (start != std::string::npos && end != std::string::npos) found.push_back(line.substr(start, end - start));
  }
  if (!found.empty()) found.emplace_back("/etc/ld.so.cache");
  return libraries_.emplace(program, std::move(found)).first->second;
}

}  // namespace crucible
