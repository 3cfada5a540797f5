#include <algorithm>

#include "reward/novelty/calibration.h"
#include "reward/novelty/novelty.h"
#include "reward/novelty/tokens.h"
#include "reward/novelty/weights.h"

namespace crucible {
namespace {

struct Overlap {
  double both = 0, first = 0, second = 0;
  double jaccard() const {
    const double all = first + second - both;
    return all > 0 ? both / all : 0;
  }
};

Overlap overlap(const FeatureSet& a, const FeatureSet& b) {
  Overlap out;
  std::size_t i = 0, j = 0;
  while (i < a.size() || j < b.size()) {
    if (j == b.size() || (i < a.size() && a[i] < b[j])) {
      out.first += novelty::weight(a[i++]);
    } else if (i == a.size() || b[j] < a[i]) {
      out.second += novelty::weight(b[j++]);
    } else {
      const double w = novelty::weight(a[i]);
      out.both += w;
      out.first += w;
      out.second += w;
      ++i, ++j;
    }
  }
  return out;
}

}  // namespace

Similarity compare(const KernelFeatures& candidate, const KernelFeatures& known) {
  using novelty::View;
  Similarity out;
  if (candidate.backend != known.backend) return out;
  const auto add = [&](View view, const char* name, double raw) {
    out.views.emplace_back(name, raw);
    const double p = novelty::calibrated(view, raw);
    out.calibrated.emplace_back(name, p);
    out.similarity = std::max(out.similarity, p);
  };
  const double prints = overlap(candidate.fingerprints, known.fingerprints).jaccard();
  add(View::fingerprints, "fingerprints", prints);
  add(View::tokens, "tokens", prints > 0.05 ? novelty::tiling_similarity(candidate.tokens, known.tokens) : 0.0);
  if (!candidate.opcodes.empty() && !known.opcodes.empty())
    add(View::opcodes, "opcodes", overlap(candidate.opcodes, known.opcodes).jaccard());
  return out;
}

}  // namespace crucible
