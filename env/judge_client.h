#pragma once

#include <cstdint>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "env/evaluator.h"
#include "sandbox/warden/channel.h"
#include "sandbox/warden/warden.h"

namespace crucible {

/// The judge died while it worked for us. Retried by the Evaluator, never scored.
struct JudgeLost : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// What a judge is told at its start.
struct JudgeConfiguration {
  std::string executable = "crucible-judge";
  std::string secret;  ///< raw bytes
  std::string libexec;
  std::string cache_directory;
  std::string device;
  double budget_seconds = 5;
};

/// One judge process as the Evaluator sees it. Not thread-safe: the device has one question at a time.
class JudgeClient {
 public:
  JudgeClient(Warden& warden, const JudgeConfiguration& configuration);

  /// Check and time in one go (the cuda judge). Throws Cancelled, JudgeLost, ConfigError, or std::runtime_error for a
  /// failure of ours that the judge reported. `artifacts`: the shared object; on cuda also the cubin compiled with it.
  Evaluation evaluate(const std::string& task_file, const std::vector<int>& artifacts, const EvaluateOptions& options);

  /// The same in two parts, so that others can be checked before this one is timed: check() decides everything but the
  /// time, time() goes on from what it found. Throw as evaluate() does.
  Evaluation check(const std::string& task_file, const std::vector<int>& artifacts, const EvaluateOptions& options);
  Evaluation time(const std::string& task_file, const std::vector<int>& artifacts, const Evaluation& checked,
                  const EvaluateOptions& options);

  /// warm(), and every baseline in the candidate's place on `seeds` deals, `timed_seeds` of them timed.
  std::string check_task(const std::string& task_file, int seeds, int timed_seeds, const Progress& progress,
                         std::stop_token stop);

  /// Makes a task ready; returns the judge's report as JSON.
  std::string warm(const std::string& task_file, const Progress& progress, std::stop_token stop);

 private:
  std::string ask(const std::string& type, const std::string& body, const std::vector<int>& descriptors,
                  const std::string& answer, const Progress& progress, std::stop_token stop);

  Channel channel_;
  std::uint64_t next_id_ = 1;
};

}  // namespace crucible
