#include "env/environment.h"

#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <ctime>
#include <random>
#include <stdexcept>
#include <utility>

#include "env/reward_config.h"

namespace crucible {
namespace {

/// 63 random bits: a seed that every language's integers and JSON readers carry.
std::uint64_t fresh_seed() {
  std::random_device device;
  return ((std::uint64_t{device()} << 32) | device()) >> 1;
}

std::string utc_now(const char* format, bool milliseconds) {
  const auto now = std::chrono::system_clock::now();
  const std::time_t seconds = std::chrono::system_clock::to_time_t(now);
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  char text[64];
  const std::size_t length = std::strftime(text, sizeof text, format, &parts);
  std::string result(text, length);
  if (milliseconds) {
    const auto since = std::chrono::duration_cast<std::chrono::milliseconds>(now.time_since_epoch()).count() % 1000;
    char fraction[16];
    std::snprintf(fraction, sizeof fraction, ".%03dZ", static_cast<int>(since));
    result += fraction;
  }
  return result;
}

/// Sorts by time, and differs between processes that append to one run directory.
std::string fresh_id() {
  std::random_device device;
  char suffix[16];
  std::snprintf(suffix, sizeof suffix, "-%08x", device() ^ static_cast<unsigned>(getpid()));
  return utc_now("%Y%m%dT%H%M%S", false) + suffix;
}

RewardSettings settings_or_default(const RewardSettings& given, const Evaluator& evaluator) {
  const bool untouched = given.prices.empty() && given.numbers.empty() && given.model == RewardSettings{}.model;
  return untouched ? load_reward("default", evaluator.options().config_directory).settings : given;
}

}  // namespace

Environment::Environment(std::shared_ptr<Evaluator> evaluator, std::string_view task, EnvironmentOptions options)
    : Environment(evaluator, evaluator ? evaluator->task(task) : nullptr, std::move(options)) {}

Environment::Environment(std::shared_ptr<Evaluator> evaluator, std::shared_ptr<const Task> task,
                         EnvironmentOptions options)
    : evaluator_(std::move(evaluator)), task_(std::move(task)), options_(std::move(options)) {
  if (!evaluator_) throw std::invalid_argument("Environment: the evaluator is null");
  if (!task_) throw std::invalid_argument("Environment: the task is null");
  if (options_.max_turns == 0) throw std::invalid_argument("Environment: max_turns must be at least 1");
  options_.reward = settings_or_default(options_.reward, *evaluator_);
  model_ = make_reward_model(options_.reward);
}

std::string Environment::reset(std::optional<std::uint64_t> seed) {
  seed_ = seed.value_or(fresh_seed());
  turn_ = 0;
  running_ = true;
  return prompt_text(*task_, evaluator_->options().backend, evaluator_->device_name());
}

EvaluateOptions Environment::next() const {
  if (!running_) {
    throw std::logic_error(turn_ == 0 ? "step() before reset(): call reset() to begin an episode"
                                      : "step() after the episode's end: call reset() to begin another");
  }
  EvaluateOptions how;
  how.seed = seed_;
  how.turn = turn_;
  return how;
}

StepResult Environment::step(std::string_view source, const Progress& progress, std::stop_token stop) {
  EvaluateOptions how = next();
  how.progress = progress;
  how.stop = stop;
  // A cancelled evaluation throws here and leaves the episode where it was: the same turn can be tried again.
  StepResult result = settle(std::string(source), evaluator_->evaluate(task_, source, how));
  const EvaluatorOptions& where = evaluator_->options();
  if (where.write_records) {
    if (progress) progress("record", 0.0);
    try {
      append_record(where.run_directory + "/records.jsonl", result.record);
    } catch (...) {  // a full disk: the step did not happen, and the same turn can be tried again
      turn_ = how.turn;
      running_ = true;
      throw;
    }
    if (progress) progress("record", 1.0);
  }
  return result;
}

StepResult Environment::settle(std::string source, Evaluation evaluation) {
  StepResult result;
  result.record.source = std::move(source);
  result.record.turn = turn_;
  result.record.evaluation = std::move(evaluation);
  result.record.settings = model_->settings();
  result.record.reward = model_->score(result.record.evaluation);
  result.record.time_utc = utc_now("%Y-%m-%dT%H:%M:%S", true);
  result.record.id = fresh_id();
  result.reward = result.record.reward.reward;

  ++turn_;
  if (result.record.evaluation.verdict == Verdict::infrastructure_error) {
    result.truncated = true;  // the episode ends for a reason that is not the candidate's
  } else {
    result.terminated = turn_ >= options_.max_turns;
  }
  running_ = !result.terminated && !result.truncated;
  result.observation = feedback_text(result.record, *task_);
  return result;
}

const Task& Environment::task() const { return *task_; }

}  // namespace crucible
