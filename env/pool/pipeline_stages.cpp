#include <algorithm>

#include "env/pool/pipeline_state.h"
#include "sandbox/warden/warden.h"

namespace crucible {
namespace {

constexpr std::size_t kAdmissions = 64;  // before a clock may have its turn
constexpr std::size_t kBatch = 32;       // answers that share one write and one sync
constexpr auto kTick = std::chrono::seconds(1);

}  // namespace

template <class Work>
bool Pipeline::State::run_stage(Lock& lock, const FlightPtr& flight, Work&& work) {
  StageSnapshot& mine = figures(flight->stage);
  ++mine.running;
  flight->running = true;
  lock.unlock();
  const auto begin = Clock::now();
  std::exception_ptr error;
  bool cancelled = false;
  try {
    work();
  } catch (const Cancelled&) {
    cancelled = true;
  } catch (...) {
    error = std::current_exception();
  }
  const double seconds = std::chrono::duration<double>(Clock::now() - begin).count();
  lock.lock();
  flight->running = false;
  --mine.running;
  ++mine.done;
  mine.busy_seconds += seconds;
  for (const Waiter& waiter : flight->waiters)
    served[waiter.owner] += seconds / static_cast<double>(flight->waiters.size());
  if (error && !flight->error) flight->error = error;
  if (flight->waiters.empty()) {
    abandon(flight);
    return false;
  }
  if (cancelled) {  // though somebody waits: whoever gave it up, it was not he
    flight->candidate.decided = true;
    flight->candidate.features.reset();
    flight->candidate.facts.verdict = Verdict::infrastructure_error;
    flight->candidate.facts.explanation = "the evaluation was given up";
  }
  return true;
}

void Pipeline::State::validate() {
  Lock lock(mutex);
  for (;;) {
    changed.wait(lock,
                 [&] { return closing || (!queue(Stage::validate).empty() && turns.may_work(QuietTurns::admission)); });
    if (closing) return;
    turns.begin_work();
    for (std::size_t n = 0; n < kAdmissions && !closing && !queue(Stage::validate).empty(); ++n) {
      const FlightPtr flight = take(Stage::validate);
      EvaluateOptions how;
      how.seed = flight->question.seed;
      how.turn = flight->question.turn;
      how.stop = flight->stop.get_token();
      how.progress = [this](std::string_view, double share) { device_share = share; };
      const bool wanted = run_stage(lock, flight, [&] {
        Question& asked = flight->question;
        flight->candidate = evaluator->admit(asked.task, std::move(asked.source), std::move(how));
      });
      if (!wanted) continue;
      if (flight->error || flight->candidate.decided)
        finish(flight);
      else
        join_or_compile(flight);
    }
    turns.end_work(QuietTurns::admission);
    changed.notify_all();
  }
}

void Pipeline::State::join_or_compile(const FlightPtr& flight) {
  if (evaluator->options().cache) {
    const auto [at, fresh] = by_key.try_emplace(flight->candidate.key, flight);
    if (!fresh) {
      const FlightPtr& leader = at->second;
      for (Waiter& waiter : flight->waiters) {
        waiter.joined = true;
        tickets[waiter.ticket] = leader;
        leader->waiters.push_back(waiter);
        ++counts.shared;
      }
      flight->waiters.clear();
      queue(leader->stage).raise(leader, leader->priority());
      return;
    }
  }
  enqueue(flight, Stage::compile);
}

void Pipeline::State::compile() {
  Lock lock(mutex);
  for (;;) {
    changed.wait(lock,
                 [&] { return closing || (!queue(Stage::compile).empty() && counts.artifacts < artifact_limit); });
    if (closing) return;
    const FlightPtr flight = take(Stage::compile);
    ++counts.artifacts;
    flight->holds_artifact = true;
    if (!run_stage(lock, flight, [&] { evaluator->compile(flight->candidate); })) continue;
    if (flight->error || flight->candidate.decided)
      finish(flight);
    else
      enqueue(flight, Stage::check);
  }
}

void Pipeline::State::run_device() {
  Lock lock(mutex);
  for (;;) {
    FairQueue<FlightPtr>& unchecked = queue(Stage::check);
    FairQueue<FlightPtr>& untimed = queue(Stage::time);
    changed.wait(lock, [&] { return closing || !unchecked.empty() || !untimed.empty(); });
    if (closing) return;
    // Checks are short and send the wrong away; the artifact limit sees to it that the clock's turn comes.
    if (unchecked.empty() || (!untimed.empty() && untimed.first_priority() > unchecked.first_priority())) {
      time_one(lock);
      continue;
    }
    const FlightPtr flight = take(Stage::check);
    on_device = "check " + flight->candidate.task->name;
    const bool wanted = run_stage(lock, flight, [&] { evaluator->check(flight->candidate); });
    on_device.clear();
    if (!wanted) continue;
    if (flight->error || flight->candidate.decided)
      finish(flight);
    else
      enqueue(flight, Stage::time);
  }
}

void Pipeline::State::time_one(Lock& lock) {
  turns.want_clock();
  changed.wait(lock, [&] {
    return closing || turns.may_start_clock(!queue(Stage::validate).empty(), !queue(Stage::record).empty());
  });
  if (closing) return;
  turns.start_clock();
  if (!queue(Stage::time).empty()) {  // it may have been withdrawn while we waited
    const FlightPtr flight = take(Stage::time);
    on_device = "time " + flight->candidate.task->name;
    const bool wanted = run_stage(lock, flight, [&] { evaluator->time(flight->candidate); });
    on_device.clear();
    if (wanted) finish(flight);
  }
  turns.end_clock(!queue(Stage::validate).empty(), !queue(Stage::record).empty());
  changed.notify_all();
}

std::vector<Answer> Pipeline::State::conclude(Lock& lock) {
  std::vector<FlightPtr> batch;
  while (!queue(Stage::record).empty() && batch.size() < kBatch) {
    const FlightPtr flight = take(Stage::record);
    const bool wanted = run_stage(lock, flight, [&] {
      if (!flight->error) evaluator->conclude(flight->candidate);
    });
    if (!wanted) continue;
    flight->running = true;  // from here on its answers cannot be withdrawn
    batch.push_back(flight);
  }
  std::vector<Answer> answers;
  for (const FlightPtr& flight : batch) {
    forget_key(flight);
    for (const Waiter& waiter : flight->waiters) {
      tickets.erase(waiter.ticket);
      Answer answer{waiter.ticket, waiter.owner, flight->candidate.facts, flight->error};
      answer.evaluation.cached = answer.evaluation.cached || waiter.joined;
      answers.push_back(std::move(answer));
    }
  }
  return answers;
}

void Pipeline::State::record() {
  Lock lock(mutex);
  auto next_tick = Clock::now() + kTick;
  std::uint64_t ticked = 0;  // nothing is told before the first question: whoever made the pipeline may not hold it yet
  for (;;) {
    const auto until = deadlines.empty() ? next_tick : std::min(next_tick, deadlines.begin()->first);
    changed.wait_until(lock, until, [&] {
      return closing || (!deadlines.empty() && deadlines.begin()->first <= Clock::now()) ||
             (!queue(Stage::record).empty() && turns.may_work(QuietTurns::recording));
    });
    if (closing) return;
    std::vector<Answer> answers = expire();
    const bool works = !queue(Stage::record).empty() && turns.may_work(QuietTurns::recording);
    if (works) {
      turns.begin_work();
      for (Answer& answer : conclude(lock)) answers.push_back(std::move(answer));
    }
    if (!answers.empty()) {
      count(answers);
      lock.unlock();
      deliver(std::move(answers));
      lock.lock();
    }
    if (works) {
      turns.end_work(QuietTurns::recording);
      changed.notify_all();
    }
    if (Clock::now() < next_tick) continue;
    next_tick = Clock::now() + kTick;
    // What is the same as a second ago need not be told again, unless something is under way.
    const std::uint64_t moved = counts.submitted + counts.answered + counts.cancelled;
    if (!tick || (tickets.empty() && moved == ticked)) continue;
    ticked = moved;
    lock.unlock();
    tick();
    lock.lock();
  }
}

}  // namespace crucible
