#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>

#include "sandbox/jail/finding.h"

namespace crucible {

/// What an open by a candidate means. It always fails; the question is whether it is evidence.
struct OpenJudgement {
  int error;  ///< the errno it gets
  std::optional<JailFinding> finding;
};

/// Conclusive: a shared library other than the C and C++ runtimes, memory of a process, another process's files, a
/// writable way to a passed memfd. Else "file_access_denied": runtimes look for cpu counts and locales. Pure.
OpenJudgement judge_open(const std::string& path, std::uint64_t flags, pid_t self);

}  // namespace crucible
