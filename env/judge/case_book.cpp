#include "env/judge/case_book.h"

#include <algorithm>
#include <set>

namespace crucible {

std::string where(const PoolCase& pool_case) {
  if (pool_case.workload->hidden) return "on a hidden case of family " + pool_case.family;
  return "on workload " + pool_case.workload->name + ", family " + pool_case.family;
}

void add_findings(Evaluation& evaluation, const std::vector<JailFinding>& found) {
  for (const JailFinding& finding : found)
    evaluation.findings.push_back({finding.kind, finding.evidence, finding.conclusive});
}

void convict(Evaluation& evaluation) {
  for (const IntegrityFinding& finding : evaluation.findings)
    if (finding.conclusive && evaluation.verdict != Verdict::integrity_violation) {
      evaluation.verdict = prevailing(evaluation.verdict, Verdict::integrity_violation);
      evaluation.explanation = finding.kind + ": " + finding.evidence;
    }
}

void forfeit(Evaluation& evaluation) {
  evaluation.speedup.reset();
  for (FamilyOutcome& family : evaluation.families) family.passed = 0;
}

CaseBook::CaseBook(const std::vector<CheckedCase>& cases, Evaluation& evaluation)
    : cases_(cases), evaluation_(evaluation) {
  std::set<std::string> informative;  // families with a case that every trivial program fails
  for (const CheckedCase& checked : cases_) {
    FamilyOutcome& family = families_[checked.pool_case->family];
    family.family = checked.pool_case->family;
    // A trivial program farms a family only by passing all of it: one case that every one of them fails is enough.
    if (!checked.pool_case->empty && checked.pool_case->counted) informative.insert(family.family);
    ++family.cases;
  }
  for (auto& [name, family] : families_) family.counted = informative.contains(name);
}

std::vector<std::size_t> CaseBook::order(Choice& choice) const {
  std::vector<std::size_t> order(cases_.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  for (std::size_t i = order.size(); i > 1; --i) std::swap(order[i - 1], order[choice.below(i)]);
  std::stable_partition(order.begin(), order.end(),
                        [&](std::size_t i) { return !cases_[i].pool_case->workload->hidden; });
  return order;
}

void CaseBook::fail(const PoolCase& pool_case, const std::string& why) {
  const bool hidden = pool_case.workload->hidden;
  const CaseFailure failure{hidden ? "" : pool_case.workload->name, pool_case.family,
                            hidden ? "the result is wrong " + where(pool_case) : why + " " + where(pool_case), hidden};
  auto [at, fresh] = failures_.emplace(pool_case.family, failure);
  if (!fresh && at->second.hidden && !hidden) at->second = failure;  // a public case says more
  evaluation_.verdict = prevailing(evaluation_.verdict, Verdict::wrong_result);
}

void CaseBook::stop(Verdict verdict, const PoolCase& pool_case, const std::string& how, bool chosen,
                    const std::string& otherwise) {
  evaluation_.verdict = verdict;
  evaluation_.explanation = (chosen && pool_case.workload->hidden ? otherwise : how) + " " + where(pool_case);
}

void CaseBook::expire(const std::string& why) {
  evaluation_.verdict = prevailing(evaluation_.verdict, Verdict::timed_out);
  evaluation_.explanation = why;
}

void CaseBook::close() {
  for (auto& [name, family] : families_) evaluation_.families.push_back(family);
  for (auto& [family, failure] : failures_) evaluation_.failures.push_back(failure);
  std::stable_sort(evaluation_.failures.begin(), evaluation_.failures.end(),
                   [](const CaseFailure& a, const CaseFailure& b) { return a.hidden < b.hidden; });
  if (evaluation_.verdict == Verdict::wrong_result && !evaluation_.failures.empty())
    evaluation_.explanation = evaluation_.failures.front().explanation;
}

}  // namespace crucible
