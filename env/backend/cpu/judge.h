#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "env/judge/prepared_task.h"
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

/// One candidate to judge.
struct JudgeRequest {
  std::shared_ptr<const Task> task;
  int artifact = -1;       ///< sealed memfd
  std::uint64_t seed = 0;  ///< the reset seed
  std::uint32_t turn = 0;
};

/// Judges candidates on the cpu: correctness in one jailed runner, then time in fresh ones. Owns pools and
/// calibrations. Single-threaded; one evaluation at a time; holds the device's lock while it uses it.
class Judge {
 public:
  Judge(std::shared_ptr<Warden> warden, JudgeSettings settings);

  /// Fills verdict, explanation, findings, families, failures, workloads, speedup and the stages "check" and "time".
  /// `check_point` is called between pieces of work and may throw Cancelled. Throws only for our own failures.
  Evaluation judge(const JudgeRequest& request, const CheckPoint& check_point);

  /// Makes a task ready (idempotent).
  const PreparedTask& prepare(const std::shared_ptr<const Task>& task, const CheckPoint& check_point);

 private:
  struct Checked;
  void check(const JudgeRequest& request, const PreparedTask& prepared, Evaluation& evaluation,
             const CheckPoint& check_point);

  std::shared_ptr<Warden> warden_;
  JudgeSettings settings_;
  std::map<std::string, std::unique_ptr<PreparedTask>> prepared_;  ///< by task file
};

}  // namespace crucible
