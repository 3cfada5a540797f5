#include "env/backend/cpu/judge.h"

#include <chrono>

#include "env/backend/cpu/pairing.h"
#include "env/backend/cpu/prepare.h"
#include "env/judge/bars.h"
#include "env/judge/case_book.h"
#include "env/judge/case_run.h"
#include "env/judge/device_lock.h"
#include "env/judge/roof.h"
#include "env/judge/runner_end.h"
#include "env/judge/verify.h"

namespace crucible {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

constexpr auto kReadyDeadline = 10s;
constexpr auto kCallDeadline = 2s;
// For all cases together: calls just below their deadline would hold the cores for minutes.
constexpr double kCheckBudget = 30;  // seconds
constexpr std::size_t kChoices = 2;  // entries of a case that a candidate is shown, one after the other at one address

double seconds_since(Clock::time_point begin) { return std::chrono::duration<double>(Clock::now() - begin).count(); }

/// No compiler runs beside a clock.
class QuietCompilers {
 public:
  explicit QuietCompilers(Warden& warden) : warden_(warden) { warden_.freeze_compilations(true); }
  ~QuietCompilers() {
    try {
      warden_.freeze_compilations(false);
    } catch (const std::exception&) {  // the warden is gone, and every compiler with it
    }
  }
  QuietCompilers(const QuietCompilers&) = delete;
  QuietCompilers& operator=(const QuietCompilers&) = delete;

 private:
  Warden& warden_;
};

}  // namespace

Judge::Judge(std::shared_ptr<Warden> warden, JudgeSettings settings)
    : warden_(std::move(warden)), settings_(std::move(settings)) {}

const PreparedTask& Judge::prepare(const std::shared_ptr<const Task>& task, const CheckPoint& check_point) {
  std::unique_ptr<PreparedTask>& prepared = prepared_[task->file];
  if (!prepared) {
    DeviceLock lock(settings_.machine.cpus, check_point);
    prepared = prepare_task(*warden_, settings_.machine, task, settings_.secret, check_point);
  }
  return *prepared;
}

void Judge::check(const JudgeRequest& request, const PreparedTask& prepared, const Kernel& kernel,
                  Evaluation& evaluation, const CheckPoint& check_point) {
  evaluation.verdict = Verdict::correct;
  CaseBook book(prepared.cases, evaluation);
  std::vector<PoolCase*> pool_cases;
  for (const CheckedCase& checked : prepared.cases) pool_cases.push_back(checked.pool_case);
  RunnerSession session(*warden_, kernel, case_arena_bytes(pool_cases), 2, settings_.machine.cpus, 0);
  const CallOutcome ready = session.wait_ready(kReadyDeadline);
  auto finish = [&] {
    evaluation.output = session.output();
    add_findings(evaluation, session.findings());
    book.close();
    convict(evaluation);
  };
  if (ready.status != CallOutcome::Status::done) {
    const Fate fate = ready.status == CallOutcome::Status::ended ? own_end(session) : session.finish();
    evaluation.verdict = ready.status == CallOutcome::Status::timed_out ? Verdict::timed_out
                         : ready.message.empty()                        ? Verdict::crashed
                                                                        : Verdict::load_error;
    evaluation.explanation = ready.message.empty() ? "the artifact did not load: " + to_string(fate) : ready.message;
    finish();
    return;
  }
  Choice choice(derive_key(settings_.secret,
                           {prepared.task->name, "deal", std::to_string(request.seed), std::to_string(request.turn)}));
  const std::vector<std::size_t> order = book.order(choice);
  bool alive = true;
  auto died = [&](const CallOutcome& outcome, const PoolCase& pool_case) {
    alive = false;
    if (outcome.status == CallOutcome::Status::timed_out)
      return book.stop(Verdict::timed_out, pool_case, "a call did not return within its deadline", false, "");
    const Fate fate = own_end(session);
    // An exit code, like an exception's text, could carry a hidden shape out; a signal says nothing of the kind.
    book.stop(Verdict::crashed, pool_case, "the kernel's process was " + to_string(fate), fate.kind == FateKind::exited,
              "the kernel's process exited");
  };
  std::size_t done = 0;
  const auto begin = Clock::now();
  for (std::size_t index : order) {
    if (seconds_since(begin) > kCheckBudget) {
      book.expire("its calls together exceeded the time that all cases may take");
      break;
    }
    if (check_point) check_point(static_cast<double>(done++) / static_cast<double>(order.size()));
    const CheckedCase& checked = prepared.cases[index];
    const PoolCase& pool_case = *checked.pool_case;
    std::string wrong;
    const std::size_t first = choice.below(pool_case.entries.size());
    const Slot slot =
        place_case(session, pool_case, choice);  // one place for all: the addresses stay, the contents change
    for (std::size_t k = 0; k < kChoices && alive && wrong.empty(); ++k) {
      const Hand hand = draw_hand(pool_case, prepared.task->symmetry, first + k, choice);
      const CaseOutcome outcome = run_case(session, pool_case, hand, slot, choice, kCallDeadline);
      if (outcome.call.status != CallOutcome::Status::done) {
        died(outcome.call, pool_case);
      } else if (outcome.call.threw) {
        alive = false;
        book.stop(Verdict::crashed, pool_case, "an exception left the kernel: " + outcome.call.message, true,
                  "an exception left the kernel");
      } else if (outcome.call.return_code != 0) {
        wrong = "the kernel returned " + std::to_string(outcome.call.return_code);
      } else if (outcome.stray) {
        wrong = "it changed " + outcome.stray->what;
      } else {
        wrong = reject(pool_case, hand.entry, *outcome.outputs);
      }
    }
    if (alive && wrong.empty() && checked.sequence) {
      CallOutcome outcome;
      wrong = run_sequence(session, pool_case, first % pool_case.entries.size(), choice, kCallDeadline, outcome);
      if (outcome.status != CallOutcome::Status::done) died(outcome, pool_case);
      if (outcome.threw) wrong = "an exception left the kernel: " + outcome.message;
      if (!wrong.empty()) wrong = "when one call's output is the next one's input: " + wrong;
    }
    if (!alive) break;
    if (wrong.empty())
      book.pass(pool_case);
    else
      book.fail(pool_case, wrong);
  }
  session.finish();
  finish();
}

Evaluation Judge::judge(const JudgeRequest& request, const CheckPoint& check_point) {
  const PreparedTask& prepared = prepare(request.task, {});
  Evaluation evaluation = request.checked;
  evaluation.task = prepared.task->name;
  evaluation.seed = request.seed;
  const DeviceLock lock(settings_.machine.cpus, check_point);
  const Kernel kernel{"candidate", prepared.task->name, request.artifacts.front(), "", RunnerProfile::candidate};
  auto begin = Clock::now();
  if (request.part != JudgePart::time) {
    check(request, prepared, kernel, evaluation, [&](double share) {
      if (check_point) check_point(0.3 * share);
    });
    evaluation.stage_seconds["check"] = seconds_since(begin);
    if (evaluation.verdict != Verdict::correct || request.part == JudgePart::check) return evaluation;
  }

  begin = Clock::now();
  TimingSettings timing;
  timing.interval = settings_.interval;
  timing.stopping = settings_.stopping;
  timing.budget_seconds = settings_.budget_seconds;
  Choice choice(derive_key(settings_.secret,
                           {prepared.task->name, "time", std::to_string(request.seed), std::to_string(request.turn)}));
  const QuietCompilers quiet(*warden_);
  const auto measure = [&] {
    return time_candidate(*warden_, settings_.machine, prepared, kernel, timing, choice, [&](double share) {
      if (check_point) check_point(0.3 + 0.7 * share);
    });
  };
  TimingOutcome timed = measure();
  if (timed.speedup && above_roof(timed.workloads)) {  // perhaps a clock's hiccup: once more, in fresh runners
    choice.next();
    timed = measure();
    if (timed.speedup)
      if (const std::optional<std::string> why = above_roof(timed.workloads)) withhold(*timed.speedup, *why);
  }
  evaluation.stage_seconds["time"] = seconds_since(begin);
  evaluation.stage_seconds["kernels"] = timed.kernel_seconds;
  if (timed.baseline_failed) throw std::runtime_error("a baseline failed while it was timed: " + timed.explanation);
  if (!timed.verdict && !timed.speedup)  // ours, not the candidate's: it is measured again
    throw std::runtime_error("the machine was too noisy to measure any speedup");
  evaluation.findings.insert(evaluation.findings.end(), timed.findings.begin(), timed.findings.end());
  if (timed.verdict) {
    evaluation.verdict = prevailing(evaluation.verdict, *timed.verdict);
    evaluation.explanation = timed.explanation;
  } else {
    evaluation.workloads = std::move(timed.workloads);
    evaluation.speedup = timed.speedup;
  }
  convict(evaluation);
  if (evaluation.verdict != Verdict::correct) forfeit(evaluation);
  return evaluation;
}

}  // namespace crucible
