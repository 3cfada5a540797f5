#include "env/judge/task_check_baselines.h"

#include <algorithm>
#include <cmath>

namespace crucible {
namespace {

std::string percent(double share) { return std::to_string(std::lround(100 * share)) + " %"; }

}  // namespace

std::vector<TaskProblem> check_trials(const std::vector<BaselineTrial>& trials) {
  std::vector<TaskProblem> problems;
  for (const BaselineTrial& trial : trials) {
    const std::string key = "baselines." + trial.baseline;
    if (trial.failures > 0)
      problems.push_back({true, key,
                          "in the candidate's place it is refused on " + std::to_string(trial.failures) + " of " +
                              std::to_string(trial.seeds) + " seeds (" + trial.first_failure +
                              "): the bar or the data are unfair to production"});
    const auto missed = std::count_if(trial.intervals.begin(), trial.intervals.end(),
                                      [](const auto& i) { return i.first > 1 || i.second < 1; });
    if (missed == 0) continue;
    const bool often = missed >= 2 && 10 * missed > static_cast<long>(trial.intervals.size());
    problems.push_back({often, key,
                        "measured against itself its interval misses 1 on " + std::to_string(missed) + " of " +
                            std::to_string(trial.intervals.size()) +
                            (often ? " seeds: times cannot be trusted here" : " seeds, as may happen by chance")});
  }
  return problems;
}

std::vector<TaskProblem> check_speeds(const PreparedTask& prepared) {
  std::map<std::string, std::pair<double, std::string>> slowest;  // by baseline: share of the best, workload
  for (const TimedWorkload& timed : prepared.timed)
    for (const auto& [name, ns] : timed.all_ns) {
      const double share = timed.baseline_ns / ns;
      auto [at, fresh] = slowest.try_emplace(name, share, timed.workload->name);
      if (!fresh && share < at->second.first) at->second = {share, timed.workload->name};
    }
  std::vector<TaskProblem> problems;
  for (const auto& [name, worst] : slowest) {
    if (worst.first >= kWellKnown) continue;
    const auto why = prepared.task->slow_baselines.find(name);
    const std::string fact = "reaches " + percent(worst.first) + " of the best one's speed on " + worst.second;
    if (why != prepared.task->slow_baselines.end())
      problems.push_back({false, "baselines." + name, fact + ": " + why->second});
    else
      problems.push_back({false, "baselines." + name, fact + "; say why under slow_baselines." + name});
  }
  return problems;
}

}  // namespace crucible
