#pragma once

#include <optional>
#include <span>
#include <vector>

#include "reward/evaluation.h"

namespace crucible {

/// Numbers of the interval (DESIGN.md, "The speedup").
struct IntervalSettings {
  double confidence = 0.99;                     ///< two-sided, over all looks
  std::vector<int> looks = {4, 8, 16, 32, 64};  ///< pairs per workload at which the interval may be looked at
  double default_between_runner_sd = 0.01;      ///< of log time, where warm measured none
};

/// S = Σ c·t_b / Σ c·t_c with its interval after look number `look` (0-based; the alpha spent so far is bounded by the
/// spending function, so the interval holds over all looks). Clustered over runners: pairs of one runner share its
/// layout and clock, so the variance between runners adds to the variance within. Also fills candidate_ns and
/// baseline_ns of each workload. Workloads without pairs make it empty.
std::optional<Speedup> estimate_speedup(std::span<WorkloadTiming> workloads, int look,
                                        const IntervalSettings& settings);

/// Decides after each look whether more pairs are worth their time.
struct StoppingRule {
  double resolution = 0.01;      ///< stop when reward(upper) − reward(lower) is at most this
  double relative_width = 0.01;  ///< or when log(upper/lower)/2 is at most this
  bool enough(const Speedup& speedup, double reward_at_lower, double reward_at_upper) const;
};

}  // namespace crucible
