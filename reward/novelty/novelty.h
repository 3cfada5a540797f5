#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "reward/evaluation.h"
#include "reward/novelty/features.h"
#include "reward/novelty/known_set.h"
#include "reward/novelty/weights.h"

namespace crucible {

/// Where novelty begins and ends: N = clamp((1 − s − begins) / (ends − begins), 0, 1), s the similarity to the nearest.
struct NoveltySettings {
  double begins = 0.30;          ///< τ0: a distance up to this is a copy
  double ends = 0.70;            ///< τ1: a distance from this on is wholly new
  std::size_t rerank = 64;       ///< kernels compared exactly
  std::size_t nearest_kept = 3;  ///< neighbours reported
};

/// Similarity of two kernels, seen from the first. `views` are raw (each in [0, 1]); `similarity` is the maximum of the
/// calibrated views, an estimate of P(same optimization).
struct Similarity {
  double similarity = 0;
  std::vector<std::pair<std::string, double>> views;       ///< raw, by name
  std::vector<std::pair<std::string, double>> calibrated;  ///< P(same optimization), by name
};

/// `weights` as KnownSet::weights gives them for the task.
Similarity compare(const KernelFeatures& candidate, const KernelFeatures& known,
                   const novelty::FeatureWeights& weights = {});

/// The facts that the reward's N and P derive from. Kernels of `task` only. An analyser failure leaves `score` empty
/// and says why. Kernels whose features carry a failure are passed over.
NoveltyFacts assess(const KernelFeatures& candidate, const KnownSet& known, std::string_view task,
                    const NoveltySettings& settings = {});

}  // namespace crucible
