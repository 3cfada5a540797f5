#pragma once

#include <string>
#include <vector>

#include "reward/evaluation.h"
#include "reward/novelty/known_set.h"

namespace crucible::novelty {

/// A technique as a person reads it: its name, and the line of the candidate that shows it.
std::string shown(const Technique& technique);

/// The techniques that both kernels show, as the candidate shows them.
std::vector<std::string> shared_techniques(const KernelFeatures& candidate, const KernelFeatures& known);

/// One plain sentence: nearest kernel, how near, what is shared, what is new (with the line that shows it). `nearest`
/// is null when nothing is known.
std::string sentence(const KernelFeatures& candidate, const KnownKernel* nearest, const NoveltyFacts& facts);

}  // namespace crucible::novelty
