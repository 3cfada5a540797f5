#pragma once

#include <string>

#include "reward/novelty/novelty.h"

namespace crucible {

/// Features of a kernel `extern "C" int f(…)`, compiled here with g++ as a candidate is. Throws std::runtime_error when
/// it does not compile.
KernelFeatures compiled(const std::string& text);

/// The dump that g++ writes for it.
std::string gimple_of(const std::string& text);

/// A set of one known kernel for task "t".
KnownSet only(const std::string& name, const std::string& text);

}  // namespace crucible
