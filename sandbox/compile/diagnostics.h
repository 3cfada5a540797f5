#pragma once

#include <string>

#include "sandbox/jail/report.h"
#include "sandbox/warden/warden.h"

namespace crucible {

/// What a person (or a model) should read: the compiler's text without the jail's paths, cut at 16 KiB, with the reason
/// when the compiler itself could not give it (deadline, memory, size) and a hint for a missing entry point. Pure.
std::string readable_diagnostics(const JailReport& report, const CompileRequest& request, const std::string& assembly,
                                 bool artifact_too_large);

}  // namespace crucible
