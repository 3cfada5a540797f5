#include <algorithm>
#include <vector>

#include "reward/presets/preset.h"
#include "reward/terms/correctness.h"

// CUDA-L1 (Li et al., 2025, arXiv 2507.14111): r = median over time buckets of t_ref/t, then
// r̂ = clip((r − μ)/σ, −1.5, 1.5). The authors keep μ and σ running; a pure function cannot, so they are numbers here
// and the trainer updates them. A failure has r = 0 before smoothing, hence the price clip((0 − μ)/σ) = −1 by default.
// Uncertain: the number of buckets (7 here) and the mean within one. Pairs are bucketed in the order measured; in each
// bucket r is Σ c·t_b / Σ c·t_c over the workloads' means.

namespace crucible {
namespace {

double mean_time(const WorkloadTiming& workload, std::size_t bucket, std::size_t buckets, double TimedPair::*side) {
  const std::size_t n = workload.pairs.size(), first = bucket * n / buckets, last = (bucket + 1) * n / buckets;
  double sum = 0;
  for (std::size_t i = first; i < last; ++i) sum += workload.pairs[i].*side;
  return sum / static_cast<double>(last - first);
}

/// The median over buckets; S itself where the pairs were not recorded.
double bucketed_ratio(const Evaluation& evaluation, std::size_t buckets) {
  for (const WorkloadTiming& workload : evaluation.workloads) buckets = std::min(buckets, workload.pairs.size());
  if (evaluation.workloads.empty() || buckets == 0) return measured_speedup(evaluation);
  std::vector<double> ratios;
  for (std::size_t bucket = 0; bucket < buckets; ++bucket) {
    double baseline = 0, candidate = 0;
    for (const WorkloadTiming& workload : evaluation.workloads) {
      baseline += workload.count * mean_time(workload, bucket, buckets, &TimedPair::baseline_ns);
      candidate += workload.count * mean_time(workload, bucket, buckets, &TimedPair::candidate_ns);
    }
    ratios.push_back(baseline / candidate);
  }
  std::sort(ratios.begin(), ratios.end());
  const std::size_t half = ratios.size() / 2;
  return ratios.size() % 2 == 1 ? ratios[half] : (ratios[half - 1] + ratios[half]) / 2;
}

void pay(const Evaluation& evaluation, const RewardSettings& settings, TermList& terms) {
  if (price_failure(evaluation, settings, terms)) return;
  const auto& n = settings.numbers;
  double ratio = bucketed_ratio(evaluation, static_cast<std::size_t>(n.at("buckets")));
  if (evaluation.speedup && evaluation.speedup->withheld) ratio = std::min(ratio, speedup_lower_bound(evaluation));
  const double clip = n.at("clip");
  pay_total(std::clamp((ratio - n.at("mu")) / n.at("sigma"), -clip, clip),
            "median ratio " + figure(ratio) + ", mu " + figure(n.at("mu")) + ", sigma " + figure(n.at("sigma")),
            settings, terms);
}

}  // namespace

std::vector<Preset> cuda_l1_presets() {
  return {{"cuda_l1",
           "clip((r − μ)/σ, −1.5, 1.5), r = median over time buckets of t_ref/t (CUDA-L1)",
           {{"mu", 1, -1e6, 1e6, "mean of r, kept by the trainer"},
            {"sigma", 1, 1e-9, 1e6, "standard deviation of r, kept by the trainer"},
            {"clip", 1.5, 0, 1e6, "the reward lies within ± this"},
            {"buckets", 7, 1, 64, "time buckets, whole"}},
           flat_prices(-1, 0),
           pay}};
}

}  // namespace crucible
