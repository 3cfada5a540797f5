#pragma once

#include <cstdint>
#include <unordered_set>
#include <vector>

#include "reward/novelty/features.h"

namespace crucible::novelty {

/// How much one feature says. Inverse document frequency in two steps: what kernels of many operations share (walking
/// rows, reading a descriptor) is listed in a table made offline; what most known kernels of one task share is the
/// operation, not a method.
class FeatureWeights {
 public:
  FeatureWeights() = default;
  /// From the features of one task's known kernels; fewer than four say nothing about what is common.
  explicit FeatureWeights(const std::vector<const KernelFeatures*>& known);

  double of(std::uint64_t feature) const;

 private:
  std::unordered_set<std::uint64_t> common_;
};

}  // namespace crucible::novelty
