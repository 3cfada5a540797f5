#pragma once

#include <string>
#include <vector>

#include "reward/evaluation.h"
#include "reward/novelty/known_set.h"

namespace crucible::novelty {

/// Names of the techniques that both kernels show.
std::vector<std::string> shared_techniques(const KernelFeatures& candidate, const KernelFeatures& known);

/// One plain sentence: nearest kernel, how near, what is shared, what is new (with the line that shows it). `nearest`
/// is null when nothing is known.
std::string sentence(const KernelFeatures& candidate, const KnownKernel* nearest, const NoveltyFacts& facts);

}  // namespace crucible::novelty
