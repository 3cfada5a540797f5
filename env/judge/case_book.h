#pragma once

#include <map>
#include <string>
#include <vector>

#include "env/judge/keys.h"
#include "env/judge/prepared_task.h"
#include "reward/evaluation.h"
#include "sandbox/jail/finding.h"

namespace crucible {

/// "on workload W, family F", or for a hidden case its family alone.
std::string where(const PoolCase& pool_case);

/// Adds what a jail found to the evaluation.
void add_findings(Evaluation& evaluation, const std::vector<JailFinding>& found);

/// A conclusive finding is an integrity_violation, whatever else was seen.
void convict(Evaluation& evaluation);

/// Right when looked at, wrong when timed: neither speed nor partial credit.
void forfeit(Evaluation& evaluation);

/// Who passed which case, whatever the device: the order of the cases, the families' counts, and what a candidate's
/// author may be told. `cases` and `evaluation` must outlive it.
class CaseBook {
 public:
  CaseBook(const std::vector<CheckedCase>& cases, Evaluation& evaluation);

  /// Every case once, in an order drawn from `choice`. Public cases come first: what they say may be told in full, and
  /// most wrong kernels never reach a hidden one.
  std::vector<std::size_t> order(Choice& choice) const;

  void pass(const PoolCase& pool_case) { ++families_.at(pool_case.family).passed; }
  /// The verdict becomes wrong_result; of a hidden case nothing but its family is told.
  void fail(const PoolCase& pool_case, const std::string& why);
  /// The candidate's process is gone, or cannot go on. `how` is a phrase ("the kernel's process was killed by
  /// SIGSEGV"). What the candidate itself could have `chosen` (a text, an exit code) stays unsaid of a hidden case:
  /// `otherwise` is said.
  void stop(Verdict verdict, const PoolCase& pool_case, const std::string& how, bool chosen,
            const std::string& otherwise);

  /// The time for all cases is over.
  void expire(const std::string& why);

  /// Writes families, failures and, for a wrong result, the explanation into the evaluation.
  void close();

 private:
  const std::vector<CheckedCase>& cases_;
  Evaluation& evaluation_;
  std::map<std::string, FamilyOutcome> families_;
  std::map<std::string, CaseFailure> failures_;
};

}  // namespace crucible
