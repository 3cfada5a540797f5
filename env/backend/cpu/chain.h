#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "env/judge/crew.h"
#include "env/judge/deal.h"
#include "env/judge/session.h"

namespace crucible {

/// What one timed chain showed about one side.
struct ChainOutcome {
  double total_ns = 0;              ///< the whole chain by the judge's clock
  std::chrono::nanoseconds wake{};  ///< from the runner's continuation to its readiness
  int calls = 0;
  CallOutcome call;       ///< the last call's outcome; not `done`: the chain broke off
  std::string wrong;      ///< why an output was rejected; empty: all right
  int early_replies = 0;  ///< steps whose sampled bytes were not the final ones
  bool decoy_written = false;
  std::string stray;         ///< a byte changed that the contract does not let change
  std::optional<Fate> fate;  ///< the runner's end, when it ended
};

/// How a chain is laid out. Both sides of a pair use the same shape.
struct ChainShape {
  int calls = 0;        ///< n: sets that are called
  int sets = 0;         ///< ≥ n: sets that are dealt; the others are decoys
  bool parked = false;  ///< interval: the judge sleeps on a futex and the clock stops when all threads are stopped
};

/// Times calls of one workload in one runner. The slots are placed and dealt in the runner's arena while it is stopped;
/// the clock covers all the time in which it can see them, waking included; the runner is told the next set only after
/// the judge has seen the previous output (DESIGN.md, "cpu: reveal").
class ChainClock {
 public:
  /// `session` must be ready and stopped, and stays stopped between chains. All references must outlive the clock.
  ChainClock(RunnerSession& session, const PoolCase& pool_case, Symmetry symmetry, const ChainShape& shape,
             Choice choice, Crew& crew);
  /// Gives up the runner's call table: another clock at this address must not take it for its own.
  ~ChainClock();
  ChainClock(const ChainClock&) = delete;
  ChainClock& operator=(const ChainClock&) = delete;

  /// One chain with the kernel's calls. What waking takes beyond `allowance` is part of its time.
  ChainOutcome run(std::chrono::milliseconds call_deadline, std::chrono::nanoseconds allowance);

  /// The same chain without the kernel: null steps, samples read as in run(). For trusted runners: what it times is
  /// subtracted from both sides.
  ChainOutcome run_null(std::chrono::milliseconds call_deadline);

 private:
  struct Sample {
    std::size_t offset;  ///< in the arena
    std::uint32_t bytes;
    std::uint64_t seen;
  };
  void deal_sets();
  void deal_set(std::uint32_t set, std::size_t entry, Choice& choice);
  /// The set first: while sets are dealt, another thread may be making fresh_.
  const PoolCase& case_of(std::uint32_t set) const { return set == fresh_set_ && fresh_ ? *fresh_ : pool_case_; }
  void draw_samples();
  ChainOutcome clocked(RunnerOperation operation, std::chrono::milliseconds call_deadline,
                       std::chrono::nanoseconds allowance);
  void verify(ChainOutcome& outcome);
  std::string reject_step(int step, bool whole_rule);
  bool replied_early(int step) const;

  RunnerSession& session_;
  const PoolCase& pool_case_;
  Symmetry symmetry_;
  ChainShape shape_;
  Choice choice_;
  Crew& crew_;
  std::vector<Slot> slots_;
  std::vector<std::optional<Hand>> hands_;    ///< per set; empty: never dealt
  std::vector<std::uint32_t> order_;          ///< sets in the order they are called
  std::vector<std::vector<Sample>> samples_;  ///< per step
  std::size_t next_entry_ = 0;
  std::unique_ptr<PoolCase> fresh_;  ///< contents that no call has seen, of one called set of this chain
  std::uint32_t fresh_set_ = 0;
};

}  // namespace crucible
