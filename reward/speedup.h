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
  double default_between_runner_sd = 0.01;      ///< of log time, where warm measured none (a workload's value is 0)
  double between_runner_degrees = 20;           ///< how well that sd is known: degrees of freedom of warm's A/A
  double shared_between_workloads = 0.5;  ///< share of that variance that all workloads of one runner have in common
  double trim = 0.2;                      ///< share of pairs cut from each end: spikes carry no weight
};

/// A workload's between_runner_sd from warm's A/A: `log_times`, one a fresh runner, drawn towards the default sd as if
/// that were known from four more runners. A handful of runners that agree by luck must not promise a precision that
/// the next ones lack (three runners give half the true sd or less in one case of five).
double between_runner_sd(std::span<const double> log_times, const IntervalSettings& settings = {});

/// The share of 1 − confidence that look number `look` (0-based) may spend. Half of what is left goes to each look and
/// the rest to the last, so the union over all looks keeps the confidence, and an evaluation that stops early, as most
/// do, is paid almost the whole of it.
double alpha_of_look(int look, const IntervalSettings& settings);

/// S with its interval, and what the interval is made of.
struct SpeedupInterval {
  Speedup speedup;
  double pair_variance = 0;    ///< of log S: shrinks with more pairs
  double runner_variance = 0;  ///< of log S: shrinks only with more fresh runners
  double degrees = 0;          ///< Satterthwaite's degrees of freedom of the sum
  double half_width = 0;       ///< of log S: log(upper / lower) / 2
  bool warm_refuted = false;   ///< the runners differ far more than warm's sd allows: only fresh runners can help
};

/// S = Σ c·t_b / Σ c·t_c with its interval after look number `look` (0-based). Pairs of one runner share its layout and
/// clock, so the variance between runners adds to the variance within: from warm's sd, or from what the runners of this
/// evaluation show where that is more (a truth of 1.5 times warm's sd leaves 97 to 99.9 %, of twice 94 to 97 %, with
/// two runners a side). Runner numbers mean the same process in all workloads of a side; let each
/// candidate runner meet each baseline runner (0-0, 1-1, 0-1, 1-0), and interleave the workloads.
/// Also fills candidate_ns and baseline_ns of each workload. Pairs whose times are not finite and positive are left
/// out. A workload with fewer than two usable pairs, or with more unusable than usable ones, makes it empty.
std::optional<SpeedupInterval> estimate_interval(std::span<WorkloadTiming> workloads, int look,
                                                 const IntervalSettings& settings = {});

/// The same without the anatomy.
std::optional<Speedup> estimate_speedup(std::span<WorkloadTiming> workloads, int look,
                                        const IntervalSettings& settings = {});

/// Decides after each look whether more pairs are worth their time.
struct StoppingRule {
  double resolution = 0.01;      ///< stop when reward(upper) − reward(lower) is at most this
  double relative_width = 0.01;  ///< or when log(upper/lower)/2 is at most this
  double least_gain = 0.1;       ///< or when the next look would narrow the interval by less than this share
  bool enough(const Speedup& speedup, double reward_at_lower, double reward_at_upper) const;
};

/// What one look says.
struct LookOutcome {
  SpeedupInterval interval;
  bool enough = false;  ///< no further pairs are worth their time (always true at the last look)
};

/// The whole stopping decision after look `look`: the interval, priced by the default curve (whatever reward model will
/// be used: a record must not depend on it). Empty as estimate_interval() is.
std::optional<LookOutcome> look_at(std::span<WorkloadTiming> workloads, int look, const IntervalSettings& settings = {},
                                   const StoppingRule& rule = {});

}  // namespace crucible
