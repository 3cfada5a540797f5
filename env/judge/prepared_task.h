#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "env/baseline/registry.h"
#include "env/judge/crew.h"
#include "env/judge/pool.h"
#include "env/judge/session.h"
#include "reward/evaluation.h"

namespace crucible {

/// How one timed workload is measured on this machine, and against what.
struct TimedWorkload {
  const Workload* workload = nullptr;
  PoolCase* pool_case = nullptr;
  TimingMode mode = TimingMode::none;
  BaselinePlugin baseline;               ///< the fastest admitted one
  double baseline_ns = 0;                ///< its calibrated time per call
  double null_ns = 0;                    ///< a null step's time
  std::optional<double> roof_ns;         ///< speed of light, as far as libraries leave it standing (env/judge/roof.h)
  double between_runner_sd = 0;          ///< of log time between fresh runners of the baseline
  std::map<std::string, double> all_ns;  ///< every admitted baseline's calibrated time
};

/// One correctness case with the bar that its baselines fixed.
struct CheckedCase {
  PoolCase* pool_case = nullptr;
  bool sequence = false;  ///< an output-fed sequence is run on it as well
};

/// A task made ready on this machine: pools, bars, calibrated baselines. Made once per judge and task.
struct PreparedTask {
  std::shared_ptr<const Task> task;
  std::unique_ptr<Pool> pool;
  std::vector<CheckedCase> cases;
  std::vector<TimedWorkload> timed;
  std::map<std::string, std::set<std::string>> passing;  ///< by case key: the baselines that pass it
  std::vector<std::string> ill_conditioned;              ///< "case: baseline, eta": errors above the admitted one
  std::vector<std::string> removed;                      ///< cases that no baseline passes, in words
  std::vector<std::string> notes;  ///< what a person should know: baselines that were not admitted, and why
};

/// Called between pieces of work; throws to give up (Cancelled).
using CheckPoint = std::function<void(double share_done)>;

/// What preparing needs to know about the machine.
struct Machine {
  std::vector<int> cpus;  ///< all that a kernel may use
  int judge_cpu = -1;     ///< where the judge spins; −1: there is no core to spare, so nothing is timed by reveal
  std::vector<int> timed_cpus;  ///< where a runner is confined in reveal mode: one core
  std::string libexec;
  std::string device_name;
  std::shared_ptr<Crew> crew;   ///< deals and checks sets on the kernels' cores while no kernel runs
  std::string cache_directory;  ///< calibrations are kept here; empty: nowhere
};

}  // namespace crucible
