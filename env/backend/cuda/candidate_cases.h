#pragma once

#include <deque>
#include <future>
#include <string>
#include <vector>

#include "env/backend/cuda/case_worker.h"
#include "env/judge/case_book.h"

namespace crucible {

/// A candidate's process after one operation, in words for the book. `chosen`: the candidate could have made it up.
struct Ending {
  Verdict verdict = Verdict::crashed;
  std::string how;
  bool chosen = false;
};
/// Empty when the process can go on: the operation ended, whatever it returned.
std::optional<Ending> ending_of(const WorkerOutcome& outcome);

/// Runs correctness cases one after the other in a candidate's process, and verifies what they left on other threads
/// meanwhile. Not thread-safe.
class CandidateCases {
 public:
  CandidateCases(CaseWorker& worker, Symmetry symmetry, Choice& choice, CaseBook& book)
      : worker_(worker), symmetry_(symmetry), choice_(choice), book_(book) {}

  /// Tells the book what passed. False when the process cannot go on, or its time was over: the book has the verdict.
  bool run(const std::vector<CheckedCase>& cases, const CheckPoint& check_point);

 private:
  /// One case whose verification is under way: right when every part says nothing.
  struct Pending {
    const PoolCase* pool_case = nullptr;
    std::vector<std::future<std::string>> parts;
  };

  bool run_one(const CheckedCase& checked);
  bool stopped(const WorkerOutcome& outcome, const PoolCase& pool_case);
  void settle(std::size_t leave);

  CaseWorker& worker_;
  Symmetry symmetry_;
  Choice& choice_;
  CaseBook& book_;
  std::deque<Pending> pending_;
};

}  // namespace crucible
