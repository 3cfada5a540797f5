#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "reward/novelty/dataflow.h"
#include "reward/novelty/features.h"
#include "reward/novelty/program.h"

namespace crucible::novelty {

/// View T: which optimization techniques the code shows, from operations and data flow; never from comments or names.
/// They explain, and never decide. At most 32, each once, with the first line that shows it.
std::vector<Technique> techniques_of(const Program& program, Dataflow& flow, std::string_view compiled);

}  // namespace crucible::novelty
