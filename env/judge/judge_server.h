#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "env/judge/prepared_task.h"
#include "env/judge/task_check_baselines.h"
#include "reward/evaluation.h"
#include "sandbox/warden/warden.h"

namespace crucible {

/// What the Evaluator tells its judge once.
struct JudgeStart {
  std::string secret;  ///< raw bytes
  std::string libexec;
  std::string cache_directory;
  std::string device;  ///< "cpu", "cuda:0"
  double budget_seconds = 5;
};

/// How much of an evaluation is asked for. In two parts others can be checked before this one is timed; a judge that
/// does not divide (cuda) does the whole whatever the part.
enum class JudgePart { whole, check, time };

/// One candidate to judge.
struct JudgeRequest {
  std::shared_ptr<const Task> task;
  std::vector<int> artifacts;  ///< sealed memfds: the shared object; on cuda also the cubin compiled with it
  std::uint64_t seed = 0;      ///< the reset seed
  std::uint32_t turn = 0;
  JudgePart part = JudgePart::whole;
  Evaluation checked;  ///< for JudgePart::time: what the part `check` answered
};

/// A backend's judge, as it is served. Single-threaded; one question at a time.
class BackendJudge {
 public:
  virtual ~BackendJudge() = default;
  /// Makes a task ready (idempotent). `check_point` is called between pieces of work and may throw Cancelled.
  virtual const PreparedTask& prepare(const std::shared_ptr<const Task>& task, const CheckPoint& check_point) = 0;
  /// Called after an answer was sent: what need not be waited for, such as ending processes and starting new ones.
  virtual void tidy() {}
  /// The judge's part of an evaluation. Throws only for our own failures, ConfigError, or Cancelled.
  virtual Evaluation judge(const JudgeRequest& request, const CheckPoint& check_point) = 0;
  /// Every baseline in the candidate's place (`task check`). A backend that cannot do that yet tries none.
  virtual std::vector<BaselineTrial> try_baselines(const std::shared_ptr<const Task>& task, const TrialSettings& trials,
                                                   const CheckPoint& check_point) {
    (void)task, (void)trials, (void)check_point;
    return {};
  }
};

using MakeJudge = std::function<std::unique_ptr<BackendJudge>(std::shared_ptr<Warden>, const JudgeStart&)>;

/// The whole life of a judge process: serves one Evaluator over descriptor 3, with a warden client on descriptor 4,
/// until end-of-file. Returns the exit code. `name` is what complaints begin with.
int serve_judge(const char* name, const MakeJudge& make);

}  // namespace crucible
