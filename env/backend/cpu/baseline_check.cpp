// `task check`: every baseline in the candidate's place, on the cases and workloads that it was admitted to.
#include <algorithm>

#include "env/backend/cpu/judge.h"
#include "env/backend/cpu/pairing.h"
#include "env/judge/bars.h"
#include "env/judge/device_lock.h"

namespace crucible {
namespace {

/// The part of a task that one baseline serves, measured against that baseline itself.
PreparedTask part_of(const PreparedTask& whole, const BaselinePlugin& plugin) {
  PreparedTask part;
  part.task = whole.task;
  for (const CheckedCase& checked : whole.cases) {
    const auto passing = whole.passing.find(case_key(*checked.pool_case));
    if (passing != whole.passing.end() && passing->second.contains(plugin.name)) part.cases.push_back(checked);
  }
  for (TimedWorkload timed : whole.timed) {
    const auto known = timed.all_ns.find(plugin.name);
    if (known == timed.all_ns.end()) continue;
    timed.baseline = plugin;
    timed.baseline_ns = known->second;
    part.timed.push_back(timed);
  }
  return part;
}

}  // namespace

std::vector<BaselineTrial> Judge::try_baselines(const std::shared_ptr<const Task>& task, const TrialSettings& trials,
                                                const CheckPoint& check_point) {
  const PreparedTask& prepared = prepare(task, check_point);
  const DeviceLock lock(settings_.machine.cpus, check_point);
  const std::vector<BaselinePlugin> plugins = baseline_plugins(settings_.machine.libexec);
  std::vector<BaselineTrial> all;
  for (std::size_t p = 0; p < plugins.size(); ++p) {
    const PreparedTask part = part_of(prepared, plugins[p]);
    if (part.cases.empty()) continue;
    BaselineTrial trial;
    trial.baseline = plugins[p].name;
    trial.cases = part.cases.size();
    const Kernel kernel{"candidate", task->name, -1, plugins[p].path, RunnerProfile::baseline};
    const auto progress = [&](double share) {
      if (check_point) check_point((static_cast<double>(p) + share) / static_cast<double>(plugins.size()));
    };
    for (int seed = 1; seed <= trials.seeds; ++seed) {
      progress(static_cast<double>(seed - 1) / trials.seeds);
      JudgeRequest request;
      request.task = task;
      request.seed = static_cast<std::uint64_t>(seed);
      Evaluation evaluation;
      check(request, part, kernel, evaluation, {});
      ++trial.seeds;
      if (evaluation.verdict != Verdict::correct) {
        ++trial.failures;
        if (trial.first_failure.empty())
          trial.first_failure = "seed " + std::to_string(seed) + ": " + std::string(to_string(evaluation.verdict)) +
                                ": " + evaluation.explanation;
      }
    }
    for (int seed = 1; seed <= trials.timed_seeds && !part.timed.empty() && trial.failures == 0; ++seed) {
      TimingSettings timing{settings_.interval, settings_.stopping, settings_.budget_seconds};
      Choice choice(derive_key(settings_.secret, {task->name, "trial", plugins[p].name, std::to_string(seed)}));
      const TimingOutcome timed =
          time_candidate(*warden_, settings_.machine, part, kernel, timing, choice, [&](double) { progress(1); });
      if (!timed.speedup) {
        trial.untimed = timed.explanation.empty() ? "no interval was measured" : timed.explanation;
        continue;
      }
      trial.intervals.emplace_back(timed.speedup->lower, timed.speedup->upper);
    }
    all.push_back(std::move(trial));
  }
  return all;
}

}  // namespace crucible
