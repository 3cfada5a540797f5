#pragma once

#include <string>

#include "env/evaluator.h"
#include "env/toolchain.h"
#include "sandbox/warden/warden.h"

namespace crucible {

/// What the doctor command shows, as JSON: {"isolation": {level, walls: [{name, stands, protects}]}, "compiler",
/// "device", "baselines": [{name, path}], "cuda", "run_directory", "cache_directory", "problems": [...]}.
std::string diagnose_host(const EvaluatorOptions& options, const Toolchain& toolchain, const std::string& device,
                          const Isolation* isolation, const std::string& isolation_failure);

}  // namespace crucible
