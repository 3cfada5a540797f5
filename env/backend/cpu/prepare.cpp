#include "env/backend/cpu/prepare.h"

#include <algorithm>

#include "env/backend/cpu/calibrate.h"
#include "env/config_error.h"
#include "env/judge/bars.h"
#include "env/judge/calibration_file.h"
#include "env/judge/roof_measure.h"

namespace crucible {
namespace {

constexpr std::size_t kEntriesPerCase = 2;

/// The family a workload is timed on: that of its first case.
std::string timed_family(const Task& task, const Workload& workload) {
  for (const Case& each : task.cases)
    if (each.workload == &workload) return each.family;
  return "normal";
}

}  // namespace

std::unique_ptr<PreparedTask> prepare_task(Warden& warden, const Machine& machine, std::shared_ptr<const Task> task,
                                           const std::string& secret, const CheckPoint& check_point) {
  auto prepared = std::make_unique<PreparedTask>();
  prepared->task = task;
  prepared->pool = std::make_unique<Pool>(task, secret);
  const std::vector<BaselinePlugin> plugins = baseline_plugins(machine.libexec);
  if (plugins.empty())
    throw ConfigError(machine.libexec + "/baselines: no baseline was built; build them or set CRUCIBLE_LIBEXEC");

  std::vector<PoolCase*> pool_cases;
  auto add = [&](const Workload& workload, const std::string& family) {
    PoolCase& pool_case = prepared->pool->get(workload, family, kEntriesPerCase);
    if (std::find(pool_cases.begin(), pool_cases.end(), &pool_case) == pool_cases.end())
      pool_cases.push_back(&pool_case);
    return &pool_case;
  };
  auto report = [&](double from, double to, double share) {
    if (check_point) check_point(from + (to - from) * share);
  };
  for (std::size_t i = 0; i < task->cases.size(); ++i) {
    report(0, 0.3, static_cast<double>(i) / static_cast<double>(task->cases.size()));
    prepared->cases.push_back({add(*task->cases[i].workload, task->cases[i].family), false});
  }
  for (const Case& sequence : task->sequences) {
    PoolCase* pool_case = add(*sequence.workload, sequence.family);
    for (CheckedCase& checked : prepared->cases)
      if (checked.pool_case == pool_case) checked.sequence = true;
  }
  for (const Workload& workload : task->workloads) {
    if (workload.hidden || !workload.timed) continue;
    TimedWorkload timed;
    timed.workload = &workload;
    timed.pool_case = add(workload, timed_family(*task, workload));
    prepared->timed.push_back(std::move(timed));
  }
  const auto passing =
      fix_bars(warden, machine, *prepared, pool_cases, plugins, [&](double share) { report(0.3, 0.6, share); });
  std::erase_if(prepared->cases, [&](const CheckedCase& checked) { return checked.pool_case->tolerance.empty(); });
  if (prepared->cases.empty()) {
    std::string why;
    for (const std::string& removed : prepared->removed) why += "\n  " + removed;
    throw ConfigError(task->file + ": no case is left that a baseline passes:" + why);
  }
  prepared->passing = passing;
  CalibrationFile file(machine, *task, plugins);
  const MachineRoof roof = known_roof(machine);
  std::vector<TimedWorkload> kept;
  for (std::size_t i = 0; i < prepared->timed.size(); ++i) {
    report(0.6, 1.0, static_cast<double>(i) / static_cast<double>(prepared->timed.size()));
    TimedWorkload timed = prepared->timed[i];
    const auto admitted_names = passing.find(case_key(*timed.pool_case));
    if (admitted_names == passing.end()) continue;
    std::vector<BaselinePlugin> admitted;
    for (const BaselinePlugin& plugin : plugins)
      if (admitted_names->second.contains(plugin.name)) admitted.push_back(plugin);
    prepared->pool->get(*timed.workload, timed.pool_case->family, timed_entries(timed.pool_case->layout));
    const bool known = file.load(timed, admitted);
    if (!known && !calibrate(warden, machine, *prepared, timed, admitted, Choice(i + 17))) {
      prepared->notes.push_back(timed.workload->name + ": no baseline could be timed");
      continue;
    }
    if (!known) file.store(timed);
    timed.roof_ns = standing_roof_ns(speed_of_light_ns(roof, cost_of(*task, *timed.pool_case),
                                                       static_cast<int>(cpus_for(machine, timed.mode).size())),
                                     timed.all_ns);
    kept.push_back(std::move(timed));
  }
  prepared->timed = std::move(kept);
  if (prepared->timed.empty()) throw ConfigError(task->file + ": workloads: none could be timed");
  return prepared;
}

}  // namespace crucible
