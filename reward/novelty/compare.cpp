#include <algorithm>

#include "reward/novelty/calibration.h"
#include "reward/novelty/comparison.h"

namespace crucible {
namespace {

using novelty::View;

struct Overlap {
  double both = 0, first = 0, second = 0;
  double jaccard() const {
    const double all = first + second - both;
    return all > 0 ? both / all : 0;
  }
};

Overlap overlap(const FeatureSet& a, const FeatureSet& b, const novelty::FeatureWeights& weights) {
  Overlap out;
  std::size_t i = 0, j = 0;
  while (i < a.size() || j < b.size()) {
    if (j == b.size() || (i < a.size() && a[i] < b[j])) {
      out.first += weights.of(a[i++]);
    } else if (i == a.size() || b[j] < a[i]) {
      out.second += weights.of(b[j++]);
    } else {
      const double w = weights.of(a[i]);
      out.both += w;
      out.first += w;
      out.second += w;
      ++i, ++j;
    }
  }
  return out;
}

/// Jaccard of what is computed and of how memory is walked, as one set: the same walk with other mathematics is another
/// method, and so is the same mathematics with another walk.
double together(const Overlap& slices, const Overlap& accesses) {
  Overlap all;
  all.both = slices.both + accesses.both;
  all.first = slices.first + accesses.first;
  all.second = slices.second + accesses.second;
  return all.jaccard();
}

/// The share of the known kernel that the candidate holds, whatever else it holds; 0 where the known kernel is so small
/// that any kernel of its task would hold it, or so much smaller that it is a part rather than the whole.
double contained(const KernelFeatures& candidate, const KernelFeatures& known, const Overlap& chains,
                 const Overlap& accesses) {
  constexpr std::size_t kSmallest = 12, kMostDilution = 40;
  const std::size_t size = known.chains.size() + known.accesses.size();
  if (size < kSmallest || candidate.chains.size() + candidate.accesses.size() > kMostDilution * size) return 0;
  return (chains.both + accesses.both) / (chains.second + accesses.second);
}

}  // namespace

Similarity novelty::Comparison::with(const KernelFeatures& known) {
  Similarity out;
  if (candidate_.backend != known.backend) return out;
  const auto add = [&](View view, const char* name, double raw) {
    out.views.emplace_back(name, raw);
    const double p = novelty::calibrated(view, raw);
    out.calibrated.emplace_back(name, p);
    out.similarity = std::max(out.similarity, p);
  };
  const auto shared = [&](FeatureSet KernelFeatures::*set) { return overlap(candidate_.*set, known.*set, weights_); };
  // Tiling costs the most and says something only about texts that are nearly the same.
  constexpr double kWorthTiling = 0.3;
  const bool tiles = shared(&KernelFeatures::fingerprints).jaccard() > kWorthTiling;
  if (tiles && !tiler_) tiler_.emplace(candidate_.tokens);
  add(View::tokens, "tokens", tiles ? tiler_->similarity(known.tokens) : 0.0);
  if (!candidate_.opcodes.empty() && !known.opcodes.empty())
    add(View::opcodes, "opcodes", shared(&KernelFeatures::opcodes).jaccard());
  if (!candidate_.slices.empty() && !known.slices.empty()) {
    const Overlap accesses = shared(&KernelFeatures::accesses);
    add(View::slices, "slices", together(shared(&KernelFeatures::slices), accesses));
    add(View::containment, "containment", contained(candidate_, known, shared(&KernelFeatures::chains), accesses));
  }
  return out;
}

Similarity compare(const KernelFeatures& candidate, const KernelFeatures& known,
                   const novelty::FeatureWeights& weights) {
  return novelty::Comparison(candidate, weights).with(known);
}

}  // namespace crucible
