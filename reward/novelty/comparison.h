#pragma once

#include <optional>

#include "reward/novelty/novelty.h"
#include "reward/novelty/tokens.h"

namespace crucible::novelty {

/// One candidate against many known kernels: what depends on the candidate alone is made once. Keeps references to both
/// arguments. Not thread-safe.
class Comparison {
 public:
  Comparison(const KernelFeatures& candidate, const FeatureWeights& weights)
      : candidate_(candidate), weights_(weights) {}

  Similarity with(const KernelFeatures& known);

 private:
  const KernelFeatures& candidate_;
  const FeatureWeights& weights_;
  std::optional<Tiler> tiler_;  ///< when first needed
};

}  // namespace crucible::novelty
