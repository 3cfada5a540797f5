#include "env/backend/cuda/candidate_cases.h"

#include <algorithm>
#include <thread>

namespace crucible {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

constexpr auto kCallDeadline = 2s;
// For all cases together: calls just below their deadline would hold the device for minutes.
constexpr auto kCheckBudget = 30s;
constexpr std::size_t kChoices = 2;  // entries of a case that a candidate is shown, one after the other at one address

std::size_t verifiers() { return std::clamp<std::size_t>(std::thread::hardware_concurrency(), 2, 12); }

std::future<std::string> known(std::string text) {
  std::promise<std::string> promise;
  promise.set_value(std::move(text));
  return promise.get_future();
}

}  // namespace

std::optional<Ending> ending_of(const WorkerOutcome& outcome) {
  switch (outcome.status) {
    case WorkerOutcome::Status::timed_out:
      return Ending{Verdict::timed_out, "a call did not end within its deadline", false};
    case WorkerOutcome::Status::ended:
      return Ending{Verdict::crashed, "the kernel's process was " + outcome.message,
                    outcome.message.starts_with("exited")};
    case WorkerOutcome::Status::done:
      break;
  }
  // An exception of the candidate's, or the device's answer to what it did (an illegal address is sticky).
  if (outcome.threw) return Ending{Verdict::crashed, outcome.message, true};
  return std::nullopt;
}

bool CandidateCases::stopped(const WorkerOutcome& outcome, const PoolCase& pool_case) {
  const std::optional<Ending> ending = ending_of(outcome);
  if (!ending) return false;
  settle(0);
  book_.stop(ending->verdict, pool_case, ending->how, ending->chosen, "the call failed");
  return true;
}

/// Waits for verifications until at most `leave` are under way.
void CandidateCases::settle(std::size_t leave) {
  while (pending_.size() > leave) {
    Pending one = std::move(pending_.front());
    pending_.pop_front();
    std::string wrong;
    for (std::future<std::string>& part : one.parts) {
      std::string said = part.get();
      if (wrong.empty()) wrong = std::move(said);
    }
    if (wrong.empty())
      book_.pass(*one.pool_case);
    else
      book_.fail(*one.pool_case, wrong);
  }
}

bool CandidateCases::run_one(const CheckedCase& checked) {
  const PoolCase& pool_case = *checked.pool_case;
  Pending pending;
  pending.pool_case = &pool_case;
  const std::size_t first = choice_.below(pool_case.entries.size());
  const Slot slot = worker_.place(pool_case, choice_);  // one place for all: the addresses stay, the contents change
  bool refused = false;
  for (std::size_t k = 0; k < kChoices && !refused; ++k) {
    const Hand hand = draw_hand(pool_case, symmetry_, first + k, choice_);
    CaseBytes left;
    const WorkerOutcome outcome = worker_.run(pool_case, hand, slot, choice_, kCallDeadline, left);
    if (stopped(outcome, pool_case)) return false;
    refused = outcome.return_code != 0;
    pending.parts.push_back(refused ? known("the kernel returned " + std::to_string(outcome.return_code))
                                    : std::async(std::launch::async, [&pool_case, hand, left = std::move(left)] {
                                        return wrong_in(pool_case, hand, left);
                                      }));
  }
  if (checked.sequence && !refused) {
    WorkerOutcome outcome;
    const std::size_t entry = first % pool_case.entries.size();
    std::optional<SequenceBytes> sequence = worker_.run_sequence(pool_case, entry, choice_, kCallDeadline, outcome);
    if (stopped(outcome, pool_case)) return false;
    if (!outcome.ok())
      pending.parts.push_back(known("a call that reads the previous call's output was refused"));
    else if (sequence)
      pending.parts.push_back(std::async(std::launch::async, [&pool_case, entry, sequence = std::move(*sequence)] {
        const std::string wrong = reject_sequence(pool_case, entry, sequence.feed, sequence.left, sequence.last);
        return wrong.empty() ? wrong : "when one call's output is the next one's input: " + wrong;
      }));
  }
  pending_.push_back(std::move(pending));
  settle(verifiers());
  return true;
}

bool CandidateCases::run(const std::vector<CheckedCase>& cases, const CheckPoint& check_point) {
  const std::vector<std::size_t> order = book_.order(choice_);
  const auto begin = Clock::now();
  std::size_t done = 0;
  for (const std::size_t index : order) {
    if (Clock::now() - begin > kCheckBudget) {
      settle(0);
      book_.expire("its calls together exceeded the time that all cases may take");
      return false;
    }
    if (check_point) check_point(static_cast<double>(done++) / static_cast<double>(order.size()));
    if (!run_one(cases[index])) return false;
  }
  settle(0);
  return true;
}

}  // namespace crucible
