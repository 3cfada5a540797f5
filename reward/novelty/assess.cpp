#include <algorithm>

#include "reward/novelty/comparison.h"
#include "reward/novelty/explanation.h"
#include "reward/novelty/novelty.h"

namespace crucible {

NoveltyFacts assess(const KernelFeatures& candidate, const KnownSet& known, std::string_view task,
                    const NoveltySettings& settings) {
  NoveltyFacts facts;
  facts.snapshot = known.hash();
  facts.best_known = known.best_speedup(task);
  for (const Technique& technique : candidate.techniques) facts.techniques.push_back(novelty::shown(technique));
  if (!candidate.failure.empty()) {
    facts.failure = candidate.failure;
    facts.sentence = "Novelty could not be measured (" + candidate.failure + "), so none is paid.";
    return facts;
  }

  struct Match {
    std::uint32_t index;
    Similarity similarity;
  };
  std::vector<Match> matches;
  const novelty::FeatureWeights& weights = known.weights(task);
  novelty::Comparison comparison(candidate, weights);
  for (std::uint32_t index : known.candidates(candidate, task, settings.rerank))
    matches.push_back({index, comparison.with(known.at(index).features)});
  const std::size_t kept = std::min(matches.size(), settings.nearest_kept);
  std::partial_sort(matches.begin(), matches.begin() + static_cast<std::ptrdiff_t>(kept), matches.end(),
                    [&](const Match& a, const Match& b) {
                      if (a.similarity.similarity != b.similarity.similarity)
                        return a.similarity.similarity > b.similarity.similarity;
                      return known.at(a.index).name < known.at(b.index).name;
                    });
  for (std::size_t i = 0; i < kept; ++i) {
    const KnownKernel& kernel = known.at(matches[i].index);
    Neighbour neighbour;
    neighbour.name = kernel.name;
    neighbour.similarity = matches[i].similarity.similarity;
    neighbour.views = matches[i].similarity.views;
    neighbour.shared_techniques = novelty::shared_techniques(candidate, kernel.features);
    facts.nearest.push_back(std::move(neighbour));
    if (i == 0) {
      facts.similarity = matches[0].similarity.similarity;
      facts.match_speedup = kernel.speedup;
    }
  }
  const double distance = 1 - facts.similarity;
  const double span = settings.ends - settings.begins;
  facts.score =
      span > 0 ? std::clamp((distance - settings.begins) / span, 0.0, 1.0) : (distance > settings.begins ? 1.0 : 0.0);
  facts.sentence = novelty::sentence(candidate, matches.empty() ? nullptr : &known.at(matches[0].index), facts);
  return facts;
}

}  // namespace crucible
