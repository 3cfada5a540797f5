#pragma once

#include <array>
#include <cstdint>
#include <utility>
#include <vector>

#include "reward/novelty/features.h"

namespace crucible::novelty {

/// How much one feature says. Inverse document frequency in two steps: what kernels of many operations share (walking
/// rows, reading a descriptor) is listed in a table made offline; what most known kernels of one task share is the
/// operation, not a method.
class FeatureWeights {
 public:
  FeatureWeights();
  /// From the features of one task's known kernels; fewer than four say nothing about what is common.
  explicit FeatureWeights(const std::vector<const KernelFeatures*>& known);

  /// Asked some hundred thousand times for one query: nearly all features weigh 1, which one bit tells.
  float of(std::uint64_t feature) const {
    const std::uint64_t bit = feature >> 48;
    return (filter_[bit >> 6] >> (bit & 63) & 1) == 0 ? 1.0f : listed(feature);
  }

 private:
  float listed(std::uint64_t feature) const;
  void seal();

  std::vector<std::pair<std::uint64_t, float>> special_;  ///< sorted
  std::array<std::uint64_t, 1024> filter_{};
};

}  // namespace crucible::novelty
