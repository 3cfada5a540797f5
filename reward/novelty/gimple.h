#pragma once

#include <string_view>

#include "reward/novelty/program.h"

namespace crucible::novelty {

/// Reads gcc's `-fdump-tree-lim2-lineno`: SSA values after inlining and redundancy elimination, before loops are
/// vectorised and unrolled. `source` is the candidate's text, whose typedefs name types in the dump. What is not
/// understood becomes an opaque operation on the values it names. Throws std::runtime_error when the text is larger
/// than the bounds of program.h.
Program read_gimple(std::string_view text, std::string_view source = {});

}  // namespace crucible::novelty
