#pragma once

#include <sys/types.h>

#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "env/candidate.h"
#include "env/evaluator.h"
#include "env/judge_client.h"
#include "env/novelty_stage.h"
#include "env/result_cache.h"
#include "env/toolchain.h"
#include "sandbox/compile/cuda/device_compilers.h"

namespace crucible {

/// What an Evaluator owns: options, warden, judge, cache. Internal to env/.
struct Evaluator::State {
  explicit State(EvaluatorOptions given);  ///< throws ConfigError

  std::shared_ptr<Warden> warden();
  void drop_warden(const std::shared_ptr<Warden>& lost);
  void compile(Candidate& candidate, Warden& with);
  JudgeClient& the_judge();  ///< needs `turn`
  /// Waits for the device; then asks the judge. Forgets a judge that died. Throws Cancelled while waiting too.
  Evaluation ask_judge(const EvaluateOptions& asked, const std::function<Evaluation(JudgeClient&)>& question);
  bool on_cuda() const { return options.backend == "cuda"; }
  std::string cache_key(const Task& task, const Evaluation& evaluation, std::uint32_t turn_number) const;
  /// Fills in what is known before anything ran.
  void describe(const Candidate& candidate, Evaluation& facts) const;
  /// A judge died under a source in every attempt; true when it is the source's doing.
  bool strike(const std::string& key);

  EvaluatorOptions options;
  Toolchain toolchain;
  std::string device;
  pid_t owner;
  std::unique_ptr<ResultCache> cache;
  std::unique_ptr<NoveltyStage> novelty;
  std::unique_ptr<DeviceCompilers> device_compilers;  ///< cuda only

  std::mutex open;  ///< guards warden_ and closed
  std::shared_ptr<Warden> warden_;
  bool closed = false;
  std::timed_mutex turn;  ///< the device: one question at a time; guards judge
  std::unique_ptr<JudgeClient> judge;
  int judge_failures = 0;  ///< that it reported in a row
  std::shared_ptr<Warden> judge_warden;

 private:
  void use_cuda();  ///< completes options and names the device; throws ConfigError

  std::mutex strikes_guard_;
  std::map<std::string, int> strikes_;  ///< sources under which the judge died, by key
};

}  // namespace crucible
