#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "env/environment.h"
#include "env/pool/pipeline.h"
#include "env/pool/snapshot.h"

namespace crucible {

/// Something is asked of an environment that still owes an answer: send() twice, reset() or async_reset() in between.
struct AnswerPending : std::logic_error {
  using std::logic_error::logic_error;
};
/// recv() when no environment owes an answer: it would wait forever.
struct NothingPending : std::logic_error {
  using std::logic_error::logic_error;
};
/// A step of an environment that was never reset, or whose episode is over.
struct EpisodeOver : std::logic_error {
  using std::logic_error::logic_error;
};

struct EnvPoolOptions {
  std::size_t environments = 1;
  std::uint32_t max_turns = 1;
  RewardSettings reward;  ///< see load_reward(); untouched: the default
  PipelineOptions pipeline;
};

/// One source for one environment.
struct PoolAction {
  std::size_t env = 0;
  std::string source;
  int priority = 0;                                     ///< higher first, strictly
  std::optional<std::chrono::duration<double>> within;  ///< from now; later: NaN, verdict infrastructure_error
};

/// One answer of one environment: to a step, or to async_reset().
struct PoolResult {
  std::size_t env = 0;
  std::uint64_t request = 0;  ///< what send() or async_reset() returned for it
  bool reset = false;         ///< `step.observation` is a prompt, and nothing else of `step` is set
  StepResult step;
  double seconds = 0;  ///< from send() to this answer
};

/// Many environments, judged through one pipeline. Each has its own episode; each owes at most one answer at a time.
/// Every action that send() took gets exactly one answer from recv(), in the order of completion, labelled with its
/// environment and request; unless cancel() said that it will not. Records are kept before their answers are given out.
/// The run directory tells the state of the pool (status/, see RunJournal). Thread-safe. After a fork the child's copy
/// refuses everything but its destruction.
class EnvPool {
 public:
  /// Tasks are dealt to the environments in turn. Throws ConfigError.
  EnvPool(std::shared_ptr<Evaluator> evaluator, const std::vector<std::string>& tasks, EnvPoolOptions options);
  ~EnvPool();
  EnvPool(const EnvPool&) = delete;
  EnvPool& operator=(const EnvPool&) = delete;

  std::size_t size() const;
  const Task& task(std::size_t env) const;

  /// Begins an episode at once and returns its prompt. Throws AnswerPending, std::out_of_range.
  std::string reset(std::size_t env, std::optional<std::uint64_t> seed = std::nullopt);

  /// Begins episodes; the prompts come from recv(). All or none: throws like reset() before anything is begun. `seeds`
  /// is empty or parallel to `envs`. Returns request numbers.
  std::vector<std::uint64_t> async_reset(const std::vector<std::size_t>& envs,
                                         const std::vector<std::optional<std::uint64_t>>& seeds = {});

  /// Hands in actions; never waits. All or none: throws AnswerPending, EpisodeOver, std::out_of_range, or
  /// std::invalid_argument for an environment named twice, before anything is taken. Returns request numbers.
  std::vector<std::uint64_t> send(std::vector<PoolAction> actions);

  /// Waits until `count` answers are ready (or as many as are owed, when that is fewer) and returns that many. Fewer,
  /// even none, after `timeout`; what was not returned stays for the next call. Throws NothingPending when nothing is
  /// owed, ConfigError when an evaluation met bad configuration (once; its environment may be sent to again),
  /// std::logic_error when the pool is closed meanwhile.
  std::vector<PoolResult> recv(std::size_t count, std::optional<std::chrono::duration<double>> timeout = std::nullopt);

  /// The waiting half of recv(): true when `count` answers (or all that are owed) are ready. Takes none. Throws
  /// likewise.
  bool wait(std::size_t count, std::optional<std::chrono::duration<double>> timeout);

  /// Withdraws the actions of these environments. Returns those that will get no answer: their turn is not used up. The
  /// others had their answer ready, and still give it.
  std::vector<std::size_t> cancel(const std::vector<std::size_t>& envs);

  std::vector<std::size_t> pending() const;  ///< environments that owe an answer
  std::size_t ready() const;                 ///< answers that recv() would return at once

  /// A descriptor (eventfd) for a caller's own event loop: after a wait() that returned false it polls readable as soon
  /// as it is worth calling wait() again. The pool's; do not read or close it.
  int ready_descriptor() const;

  PipelineSnapshot snapshot() const;

  /// Abandons what is in flight, writes status and summary, joins every thread. Idempotent; waiting recv() calls throw.
  void close();

 private:
  struct State;
  State& live() const;
  std::unique_ptr<State> state_;
};

}  // namespace crucible
