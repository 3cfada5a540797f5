#pragma once

#include <string>

#include "sandbox/jail/report.h"
#include "sandbox/warden/warden.h"

namespace crucible {

/// What the compiler does not say itself.
struct CompileProblems {
  bool artifact_too_large = false;
  std::string foreign_header;  ///< an included file that is not the toolchain's; empty: none
};

/// What a person (or a model) should read: the compiler's text without the jail's paths, cut at 16 KiB, with the reason
/// when the compiler itself could not give it (deadline, memory, size) and a hint for a missing entry point. Pure.
std::string readable_diagnostics(const JailReport& report, const CompileRequest& request, const std::string& assembly,
                                 const CompileProblems& problems);

}  // namespace crucible
