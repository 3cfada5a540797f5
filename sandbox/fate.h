#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace crucible {

/// How a jailed process ended. A closed set.
enum class FateKind : std::uint8_t {
  running,    ///< has not ended
  exited,     ///< exit(code)
  signalled,  ///< killed by a signal that it caused (SIGSEGV, SIGABRT, SIGFPE, …)
  forbidden,  ///< made a system call of the forbidden list
  killed,     ///< killed by us: deadline, cancellation or teardown
  lost,       ///< the jail's init or the warden vanished: our failure, not the process's
};

/// The fate of a jailed process, as its init saw it. Nothing in it was written by the process itself.
struct Fate {
  FateKind kind = FateKind::running;
  int code = 0;        ///< exit code, signal number, or system call number
  std::string detail;  ///< e.g. "socket(AF_INET)", "SIGSEGV at 0x10"
};

/// One readable phrase: "killed by SIGSEGV", "made the forbidden system call socket".
std::string to_string(const Fate& fate);

/// Whether something outside killed it: SIGKILL by nobody of ours (an operator, the kernel short of memory). A process
/// can bring that about too, so one such end proves nothing and every such end in a row says what the process is.
bool struck_from_outside(const Fate& fate);

}  // namespace crucible
