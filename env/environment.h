#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "env/evaluator.h"
#include "env/record.h"

namespace crucible {

struct EnvironmentOptions {
  std::uint32_t max_turns = 1;
  RewardSettings reward;  ///< see load_reward()
};

/// What a step returns. `observation` is text a model can use, at most 8 KiB.
struct StepResult {
  std::string observation;
  double reward = 0;  ///< NaN for infrastructure_error
  bool terminated = false;
  bool truncated = false;
  Record record;
};

/// One episode at a time: reset() gives the task as a prompt, step() evaluates a kernel. Not thread-safe; several
/// Environments may share one Evaluator.
class Environment {
 public:
  Environment(std::shared_ptr<Evaluator> evaluator, std::string_view task, EnvironmentOptions options = {});
  Environment(std::shared_ptr<Evaluator> evaluator, std::shared_ptr<const Task> task, EnvironmentOptions options = {});

  /// The prompt: operation, contract, entry point, public workloads, device, rules, a correct slow seed kernel.
  std::string reset(std::optional<std::uint64_t> seed = std::nullopt);

  /// Throws std::logic_error before the first reset and after the episode's end; Cancelled when stopped.
  StepResult step(std::string_view source, const Progress& progress = {}, std::stop_token stop = {});

  /// step() in two halves, for whoever evaluates elsewhere: the seed and turn that the next evaluation is of (throws as
  /// step() does), and the step that its facts make. settle() writes no record: that is left to the caller.
  EvaluateOptions next() const;
  bool running() const { return running_; }  ///< else next() throws
  StepResult settle(std::string source, Evaluation evaluation);

  const Task& task() const;
  const std::shared_ptr<const Task>& shared_task() const { return task_; }
  const RewardSettings& reward() const { return options_.reward; }  ///< with the default resolved

 private:
  std::shared_ptr<Evaluator> evaluator_;
  std::shared_ptr<const Task> task_;
  EnvironmentOptions options_;
  std::shared_ptr<const RewardModel> model_;
  std::uint64_t seed_ = 0;
  std::uint32_t turn_ = 0;
  bool running_ = false;
};

/// The prompt text of a task on a device, and the feedback text of an evaluation (≤ 8 KiB each part as documented).
std::string prompt_text(const Task& task, const std::string& backend, const std::string& device);
std::string feedback_text(const Record& record, const Task& task);

}  // namespace crucible
