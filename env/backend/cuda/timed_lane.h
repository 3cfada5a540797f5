#pragma once

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "env/backend/cuda/chain_side.h"
#include "env/baseline/registry.h"
#include "env/judge/pool.h"

namespace crucible {

inline constexpr std::size_t kLaunchersPerSide = 2;
inline constexpr std::size_t kCandidatesAhead = 2;  ///< for how many candidates launchers and runners stand by

/// How one workload is timed on this GPU, and against what: its pool on the device, the plan of its chains, the
/// launchers of its baseline and of the null chain (trusted, kept), and fresh ones that stand by for candidates.
class TimedLane {
 public:
  /// Uploads the pool. Throws std::length_error when no chain fits.
  TimedLane(JudgeDevice& device, const Task& task, PoolCase& pool_case, const std::string& libexec);

  /// Finds the fastest of `plugins` that is right in a chain, and its time. False when there is none; `notes` says why.
  bool calibrate(const std::vector<BaselinePlugin>& plugins, std::vector<std::string>& notes);

  /// A launcher that never held a candidate, started ahead of time where one stands by.
  std::unique_ptr<ChainSide> fresh_side();
  /// Starts launchers for the next candidates.
  void stand_by();
  /// Whether every launcher that stands by is up.
  bool settled();

  PoolCase& pool_case() const { return pool_case_; }
  const CallLayout& layout() const { return pool_case_.layout; }
  const DevicePool& pool() const { return *pool_; }
  const ChainPlan& plan() const { return plan_; }
  ChainSide& baseline(std::size_t which) { return *baselines_[which]; }
  ChainSide& null_chain() { return *null_; }
  double max_eta() const { return max_eta_; }
  const std::string& baseline_name() const { return baseline_plugin_.name; }
  const BaselinePlugin& baseline_plugin() const { return baseline_plugin_; }
  double baseline_ns() const { return baseline_ns_; }
  double floor_ns() const { return floor_ns_; }  ///< marginal time of an empty kernel
  const std::map<std::string, double>& all_ns() const { return all_ns_; }
  double between_launcher_sd() const { return between_sd_; }

 private:
  std::unique_ptr<ChainSide> start() const;
  std::optional<double> median_marginal(ChainSide& side, int pairs, std::string& why, double* eta);

  JudgeDevice& device_;
  PoolCase& pool_case_;
  std::string entry_point_;
  std::string launcher_;
  std::optional<RowOracle> oracle_;
  std::optional<TaskOracle> task_oracle_;  ///< where the task is not row-wise
  std::unique_ptr<DevicePool> pool_;
  ChainPlan plan_;
  std::vector<std::unique_ptr<ChainSide>> baselines_;
  std::unique_ptr<ChainSide> null_;
  std::deque<std::unique_ptr<ChainSide>> standing_by_;
  BaselinePlugin baseline_plugin_;
  double baseline_ns_ = 0, floor_ns_ = 0, max_eta_ = 2, between_sd_ = 0;
  std::map<std::string, double> all_ns_;
};

}  // namespace crucible
