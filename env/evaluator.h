#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "env/task/task.h"
#include "reward/evaluation.h"
#include "reward/reward_model.h"

namespace crucible {

struct Candidate;

/// What an Evaluator needs to know. Paths may be empty: the package's own configuration is used.
struct EvaluatorOptions {
  std::string backend = "auto";  ///< "cpu", "cuda", or "auto": cuda where a GPU and its judge are, else cpu
  std::string device;            ///< "cpu", "cuda:0"; empty: the backend's first
  std::string run_directory;     ///< records, secret, cache; created; empty: a fresh folder under runs/
  std::string config_directory;  ///< folder with tasks/, rewards/, sandbox.yaml, known_optimizations/
  std::vector<std::string> task_directories;  ///< searched before config_directory/tasks
  std::string libexec;                        ///< helper executables; empty: found relative to the library
  std::string isolation_demand;               ///< "", "container", "user", "full"
  std::string secret;                         ///< run secret; empty: the run directory's, drawn once
  std::string archive;                        ///< known beside the package's kernels, and given what is discovered
  bool cache = true;                          ///< answer repeated sources from the result cache
  bool write_records = true;
  double time_budget_seconds = 5;  ///< for timing one candidate
};

/// Progress of one evaluation, for a person: stage is "validate", "compile", "check", "time", "novelty", "record".
using Progress = std::function<void(std::string_view stage, double share_done)>;

struct EvaluateOptions {
  std::uint64_t seed = 0;  ///< the reset seed
  std::uint32_t turn = 0;
  bool use_cache = true;
  Progress progress;
  std::stop_token stop;  ///< throws Cancelled from evaluate(); the Evaluator stays usable
};

/// Evaluates candidates for one backend and device. Owns a warden and, per device, a judge; starts no thread that
/// outlives close(). Thread-safe: evaluations from several threads overlap in compilation and take turns on the device.
/// After a fork the child's copy reopens lazily. Never throws for what a candidate does.
class Evaluator {
 public:
  explicit Evaluator(EvaluatorOptions options);
  ~Evaluator();
  Evaluator(const Evaluator&) = delete;
  Evaluator& operator=(const Evaluator&) = delete;

  /// All facts about `source` as a candidate for `task`.
  Evaluation evaluate(const std::shared_ptr<const Task>& task, std::string_view source,
                      const EvaluateOptions& options = {});

  /// evaluate() in stages, for a pool in which candidates overlap: admit(); then, while the candidate is not decided,
  /// compile(), check() and time(); at last conclude(). Each stage tries again what fails for reasons of ours, and
  /// decides `infrastructure_error` when that does not help. Thread-safe for different candidates; check() and time()
  /// wait for the device. Throw Cancelled (the candidate is then abandoned) and ConfigError, never for what a candidate
  /// does.
  Candidate admit(std::shared_ptr<const Task> task, std::string source, EvaluateOptions options);
  void compile(Candidate& candidate);
  void check(Candidate& candidate);
  void time(Candidate& candidate);  ///< the clock runs: nothing else should
  const Evaluation& conclude(Candidate& candidate);

  /// Makes pools and calibrates baselines ahead, persisted under the run directory's secret. Returns one readable line
  /// per workload.
  std::vector<std::string> warm(const std::shared_ptr<const Task>& task, const Progress& progress = {});

  /// Whether a task can tell right from wrong, as JSON: {"workloads": [{name, mode, baseline, baseline_ns, roof_ns,
  /// all_ns}], "problems": [{error, key, what}], "baselines": [{baseline, cases, seeds, failures, intervals, untimed}],
  /// "ill_conditioned", "cases", "removed", "notes"}. Every baseline takes the candidate's place on `seeds` deals and
  /// is timed against itself on `timed_seeds` of them.
  std::string check_task(const std::shared_ptr<const Task>& task, int seeds, int timed_seeds,
                         const Progress& progress = {});

  /// Finds a task by name; throws ConfigError with did-you-mean.
  std::shared_ptr<const Task> task(std::string_view name) const;
  std::vector<std::string> task_names() const;

  const EvaluatorOptions& options() const;  ///< with defaults resolved
  std::string device_name() const;          ///< "AMD EPYC …, 2 cores", "NVIDIA H100 80GB HBM3"

  /// What the host allows and what is missing, as JSON (the doctor command).
  std::string diagnose() const;

  void close();  ///< idempotent; ends every process this Evaluator started

 private:
  struct State;
  void reopen_after_fork();
  template <class Work>
  void attempt(Candidate& candidate, Work&& work);

  std::unique_ptr<State> state_;
};

}  // namespace crucible
