#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "env/judge/judge_server.h"
#include "reward/evaluation.h"
#include "reward/speedup.h"

namespace crucible {

/// What the Evaluator tells its judge once.
struct JudgeSettings {
  std::string secret;
  Machine machine;
  double budget_seconds = 5;
  IntervalSettings interval;
  StoppingRule stopping;
};

/// Judges candidates on the cpu: correctness in one jailed runner, then time in fresh ones. Owns pools and
/// calibrations. Single-threaded; one evaluation at a time; holds the device's lock while it uses it.
class Judge final : public BackendJudge {
 public:
  Judge(std::shared_ptr<Warden> warden, JudgeSettings settings);

  /// Fills verdict, explanation, findings, families, failures, workloads, speedup and the stages "check" and "time".
  /// `check_point` is called between pieces of work and may throw Cancelled. Throws only for our own failures.
  Evaluation judge(const JudgeRequest& request, const CheckPoint& check_point) override;

  /// Makes a task ready (idempotent).
  const PreparedTask& prepare(const std::shared_ptr<const Task>& task, const CheckPoint& check_point) override;

  std::vector<BaselineTrial> try_baselines(const std::shared_ptr<const Task>& task, const TrialSettings& trials,
                                           const CheckPoint& check_point) override;

 private:
  /// `kernel` is the candidate, or a baseline in its place.
  void check(const JudgeRequest& request, const PreparedTask& prepared, const Kernel& kernel, Evaluation& evaluation,
             const CheckPoint& check_point);

  std::shared_ptr<Warden> warden_;
  JudgeSettings settings_;
  std::map<std::string, std::unique_ptr<PreparedTask>> prepared_;  ///< by task file
};

}  // namespace crucible
