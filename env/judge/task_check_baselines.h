#pragma once

#include <string>
#include <utility>
#include <vector>

#include "env/judge/task_check.h"

namespace crucible {

/// How often a task's baselines take the candidate's place (`task check`).
struct TrialSettings {
  int seeds = 3;        ///< deals on which each must be correct
  int timed_seeds = 1;  ///< of which so many are timed too, each baseline against itself
};

/// One baseline in the candidate's place, on the cases and workloads that it was admitted to.
struct BaselineTrial {
  std::string baseline;
  std::size_t cases = 0;
  int seeds = 0;
  int failures = 0;                                  ///< seeds on which it was not correct
  std::string first_failure;                         ///< "seed 3: wrong_result: …"
  std::vector<std::pair<double, double>> intervals;  ///< of its speedup over itself, one a timed seed
  std::string untimed;                               ///< why a timed seed has no interval, when one has none
};

/// A baseline that is refused in the candidate's place, or whose interval over itself misses 1 on two seeds or more,
/// makes the task unfit: a candidate that does the same would be treated so. One interval may miss: it holds in 99 of
/// 100.
std::vector<TaskProblem> check_trials(const std::vector<BaselineTrial>& trials);

/// Baselines that reach less than kWellKnown of the best one's speed on a workload and of which the task does not say
/// why (`slow_baselines`): notes, no errors.
std::vector<TaskProblem> check_speeds(const PreparedTask& prepared);

inline constexpr double kWellKnown = 0.6;

}  // namespace crucible
