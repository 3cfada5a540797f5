#include "sandbox/fate.h"

#include <csignal>
#include <cstring>

namespace crucible {
namespace {

std::string signal_name(int number) {
  const char* name = ::sigabbrev_np(number);
  return name != nullptr ? "SIG" + std::string(name) : "signal " + std::to_string(number);
}

}  // namespace

std::string to_string(const Fate& fate) {
  const std::string detail = fate.detail.empty() ? "" : " (" + fate.detail + ")";
  switch (fate.kind) {
    case FateKind::running:
      return "still running";
    case FateKind::exited:
      return "exited with code " + std::to_string(fate.code) + detail;
    case FateKind::signalled:
      return "killed by " + signal_name(fate.code) + detail;
    case FateKind::forbidden:
      return "made the forbidden system call " + (fate.detail.empty() ? std::to_string(fate.code) : fate.detail);
    case FateKind::killed:
      return "killed by its jail" + detail;
    case FateKind::lost:
      return "lost with its jail" + detail;
  }
  return "unknown fate";
}

bool struck_from_outside(const Fate& fate) { return fate.kind == FateKind::signalled && fate.code == SIGKILL; }

}  // namespace crucible
