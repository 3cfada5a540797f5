#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "reward/novelty/features.h"
#include "reward/novelty/program.h"

namespace crucible::novelty {

/// Views S2, S3 and S4 of a program: operation n-grams per block, Weisfeiler-Lehman hashes of the slices that lead to
/// outputs, and the walk of every memory access through its loops. `compiled` is the text that
/// the program was read from (techniques quote it). Only functions reachable from `entries` count. The
/// program is rewritten on the way.
void describe_program(Program& program, const std::vector<std::string>& entries, std::string_view compiled,
                      KernelFeatures& out);

}  // namespace crucible::novelty
