#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "reward/novelty/program.h"

namespace crucible::novelty {

/// Reads PTX that we compiled. Registers become values (a register written in several places is a merge of them),
/// shared arrays become objects, thread and block indices become pseudo-loops of the stride analysis. Throws
/// std::runtime_error when the text is larger than the bounds of program.h.
Program read_ptx(std::string_view text);

}  // namespace crucible::novelty
