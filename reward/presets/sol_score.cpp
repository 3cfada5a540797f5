#include <algorithm>

#include "reward/presets/preset.h"
#include "reward/terms/correctness.h"

// SOL-ExecBench's score: 1 / (1 + (t − t_SOL)/(t_b − t_SOL)): 0.5 at the baseline's speed, 1 at the speed of light.
// Here t, t_b and t_SOL are totals over the timed workloads, weighted by production counts. Guards: a baseline at or
// above the roof proves the roof wrong, and a candidate above it is implausible; then the speed is withheld, which
// means: no more than the baseline's own score, 0.5. Without a measured roof there is no score. Uncertain: the original
// averages scores over workloads; totals keep the weight of production.

namespace crucible {
namespace {

void pay(const Evaluation& evaluation, const RewardSettings& settings, TermList& terms) {
  if (price_failure(evaluation, settings, terms)) return;
  price_correct(settings, terms);
  double candidate = 0, baseline = 0, light = 0;
  bool measured = !evaluation.workloads.empty();
  for (const WorkloadTiming& workload : evaluation.workloads) {
    measured = measured && workload.candidate_ns && workload.baseline_ns && workload.roof_ns;
    if (!measured) break;
    candidate += workload.count * *workload.candidate_ns;
    baseline += workload.count * *workload.baseline_ns;
    light += workload.count * *workload.roof_ns;
  }
  if (!measured) return terms.add("speedup", 0, "no speed-of-light time was measured");

  constexpr double kAtBaseline = 0.5;
  const bool implausible = baseline <= light || candidate < light;
  const bool withheld = implausible || (evaluation.speedup && evaluation.speedup->withheld);
  double score = baseline > light && candidate >= light ? 1 / (1 + (candidate - light) / (baseline - light))
                                                        : kAtBaseline * std::min(1.0, baseline / candidate);
  if (withheld) score = std::min(score, kAtBaseline);
  terms.add("speedup", score,
            "t " + figure(candidate) + " ns, baseline " + figure(baseline) + " ns, speed of light " + figure(light) +
                " ns" +
                (implausible ? ": above the roof, speed withheld"
                 : withheld  ? ": speed withheld"
                             : ""));
}

}  // namespace

std::vector<Preset> sol_score_presets() {
  return {{"sol_score", "1/(1 + (t − t_SOL)/(t_b − t_SOL)) (SOL-ExecBench)", {}, flat_prices(0, 0), pay}};
}

}  // namespace crucible
