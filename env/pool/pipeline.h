#pragma once

#include <chrono>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "env/evaluator.h"
#include "env/pool/snapshot.h"
#include "env/task/task.h"

namespace crucible {

struct PipelineOptions {
  std::size_t compilers = 0;  ///< compilations at once; 0: one per core that this process may use
  std::size_t artifacts = 0;  ///< compiled candidates held at once (back-pressure); 0: 64, or 4 per compiler if more
};

/// One question to a pipeline.
struct Question {
  std::shared_ptr<const Task> task;
  std::string source;
  std::uint64_t seed = 0;
  std::uint32_t turn = 0;
  std::uint64_t owner = 0;  ///< who is charged for the time it takes: owners get equal shares
  int priority = 0;         ///< higher first, strictly
  std::optional<std::chrono::steady_clock::time_point> deadline;  ///< then: infrastructure_error, never a score
};

/// What became of one question.
struct Answer {
  std::uint64_t ticket = 0;
  std::uint64_t owner = 0;
  Evaluation evaluation;
  std::exception_ptr error;  ///< bad configuration: there is no evaluation
};

/// Evaluates many candidates at once, in stages: validate → compile on many cores → check → time with the device to
/// itself → record. Compilations overlap with each other and with checks; who is wrong leaves before the clock; a
/// compiled candidate waits as an artifact, and no compilation starts while too many do. Equal questions in flight
/// (same key as the result cache) are evaluated once, unless the evaluator's cache is off. While a clock runs on a
/// machine of few cores, the pipeline's own work rests too. Thread-safe. Its threads end with close(). Not to be used
/// after a fork.
class Pipeline {
 public:
  /// Called from one thread of the pipeline, in the order of completion, with everything that is ready. What it throws
  /// ends the program: it must keep its own failures.
  using Deliver = std::function<void(std::vector<Answer>)>;
  /// Called about once a second from that same thread while anything happens.
  using Tick = std::function<void()>;

  Pipeline(std::shared_ptr<Evaluator> evaluator, PipelineOptions options, Deliver deliver, Tick tick = {});
  ~Pipeline();
  Pipeline(const Pipeline&) = delete;
  Pipeline& operator=(const Pipeline&) = delete;

  /// Takes a question; never blocks. Returns its ticket (unique, rising). Throws std::logic_error after close().
  std::uint64_t submit(Question question);

  /// Withdraws a question. True: it gets no answer. False: its answer is (or was) delivered, or the ticket is unknown.
  bool cancel(std::uint64_t ticket);

  PipelineSnapshot snapshot() const;

  /// Abandons everything and joins every thread; nothing is delivered afterwards. Idempotent.
  void close();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace crucible
