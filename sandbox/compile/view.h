#pragma once

#include <optional>
#include <string>

#include "sandbox/jail/spec.h"
#include "sandbox/warden/warden.h"

namespace crucible {

/// What novelty compares is the compiler's intermediate form. Where the author kept the compiler from inlining or from
/// seeing through a value, the compile that is run does not show what the code does; then the same compiler, told
/// nothing by the author and to inline more, is asked once more.

/// The text for that second compile; empty when the first one's dump already shows the whole kernel. Pure.
std::optional<std::string> view_text(const std::string& preprocessed, const std::string& dependencies,
                                     const CompileRequest& request, const std::string& gimple);

/// The jail of that second compile, from the first one's: its one passed file is the text, its one file collected the
/// dump (`candidate.gimple`). Stops after a third of the deadline.
JailSpec view_spec(JailSpec spec);

}  // namespace crucible
