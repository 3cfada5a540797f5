#include "reward/terms/novelty.h"

#include <algorithm>

#include "reward/terms/correctness.h"

namespace crucible {

NoveltyVerdict judge_novelty(const Evaluation& evaluation, const NoveltyRules& rules) {
  const NoveltyFacts& facts = evaluation.novelty;
  const double lower = speedup_lower_bound(evaluation);
  NoveltyVerdict verdict;

  if (facts.similarity >= rules.replica_similarity) {
    // A match whose own speed is unknown cannot be shown to be beaten.
    verdict.replica = !facts.match_speedup || lower < (1 + rules.replica_margin) * *facts.match_speedup;
    const std::string match = facts.nearest.empty() ? "a known kernel" : facts.nearest.front().name;
    const std::string likeness = "similarity " + figure(facts.similarity) + " to " + match;
    const std::string known = facts.match_speedup ? figure(*facts.match_speedup) + "x" : "unknown";
    if (verdict.replica) {
      verdict.why = "a replica: " + likeness + ", and " + figure(lower) + "x is not " +
                    figure(100 * rules.replica_margin) + " % above its speedup (" + known + ")";
      return verdict;
    }
    verdict.why = likeness + ", but faster than it (" + known + "); ";
  }

  const double gate = std::max(1.0, rules.gate * facts.best_known.value_or(0));
  if (!facts.score) {
    verdict.why += facts.failure.empty() ? "novelty was not measured" : "novelty was not measured: " + facts.failure;
  } else if (!evaluation.speedup || evaluation.speedup->withheld) {
    verdict.why += "no novelty is paid without a speedup (withheld or not timed)";
  } else if (lower < gate) {
    verdict.why += "novelty " + figure(*facts.score) + " is not paid below " + figure(gate) + "x";
  } else {
    verdict.novelty = std::clamp(*facts.score, 0.0, 1.0);
    verdict.why += "novelty " + figure(verdict.novelty) + " from " + figure(gate) + "x";
  }
  return verdict;
}

}  // namespace crucible
