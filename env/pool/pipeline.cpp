#include "env/pool/pipeline.h"

#include <unistd.h>

#include <algorithm>
#include <stdexcept>

#include "env/backend/cpu/device_name.h"
#include "env/pool/pipeline_state.h"

namespace crucible {
namespace {

constexpr std::size_t kArtifacts = 64;
constexpr std::size_t kArtifactsPerCompiler = 4;
constexpr std::size_t kFewCores = 4;  // on so few, a thread of ours beside a clock is heard
constexpr auto kRecent = std::chrono::seconds(60);
constexpr std::array<const char*, kStages> kNames = {"validate", "compile", "check", "time", "record"};

std::size_t cores() { return std::max<std::size_t>(1, allowed_cpus().size()); }

}  // namespace

Pipeline::State::State(std::shared_ptr<Evaluator> given, const PipelineOptions& options, Deliver deliver_to,
                       Tick tick_to)
    : evaluator(std::move(given)),
      deliver(std::move(deliver_to)),
      tick(std::move(tick_to)),
      compilers(options.compilers != 0 ? options.compilers : cores()),
      artifact_limit(options.artifacts != 0 ? options.artifacts
                                            : std::max(kArtifacts, kArtifactsPerCompiler * compilers)),
      owner(::getpid()),
      turns(cores() <= kFewCores) {
  for (std::size_t i = 0; i < kStages; ++i) {
    stages[i].name = kNames[i];
    stages[i].workers = 1;
  }
  figures(Stage::compile).workers = compilers;
}

void Pipeline::State::start() {
  try {
    threads.emplace_back([this] { validate(); });
    for (std::size_t i = 0; i < compilers; ++i) threads.emplace_back([this] { compile(); });
    threads.emplace_back([this] { run_device(); });
    threads.emplace_back([this] { record(); });
  } catch (...) {  // the system gives no more threads
    stop();
    throw;
  }
}

void Pipeline::State::stop() {
  {
    std::lock_guard lock(mutex);
    closing = true;
    for (auto& [ticket, flight] : tickets) flight->stop.request_stop();
    changed.notify_all();
  }
  for (std::thread& thread : threads)
    if (thread.joinable()) thread.join();
}

void Pipeline::State::enqueue(const FlightPtr& flight, Stage stage) {
  flight->stage = stage;
  queue(stage).push(flight, flight->priority(), flight->waiters.empty() ? 0 : served[flight->waiters.front().owner]);
  changed.notify_all();
}

FlightPtr Pipeline::State::take(Stage stage) { return queue(stage).pop(); }

void Pipeline::State::finish(const FlightPtr& flight) {
  if (flight->holds_artifact) --counts.artifacts;
  flight->holds_artifact = false;
  flight->candidate.options.progress = {};
  counts.retries += static_cast<std::uint64_t>(flight->candidate.failures);
  enqueue(flight, Stage::record);
}

void Pipeline::State::forget_key(const FlightPtr& flight) {
  const auto at = by_key.find(flight->candidate.key);
  if (at != by_key.end() && at->second == flight) by_key.erase(at);
}

void Pipeline::State::abandon(const FlightPtr& flight) {
  flight->stop.request_stop();
  // A running worker owns the candidate, but its key is only read; and it comes here again when it is done.
  if (flight->stage != Stage::validate || !flight->running) forget_key(flight);
  if (flight->running) return;
  queue(flight->stage).remove(flight);
  if (flight->holds_artifact) --counts.artifacts;
  flight->holds_artifact = false;
  changed.notify_all();
}

bool Pipeline::State::withdraw(std::uint64_t ticket) {
  const auto at = tickets.find(ticket);
  if (at == tickets.end()) return false;
  const FlightPtr flight = at->second;
  if (flight->stage == Stage::record && flight->running) return false;
  std::erase_if(flight->waiters, [&](const Waiter& waiter) { return waiter.ticket == ticket; });
  tickets.erase(at);
  if (flight->waiters.empty()) abandon(flight);
  return true;
}

std::vector<Answer> Pipeline::State::expire() {
  std::vector<Answer> expired;
  const auto now = Clock::now();
  while (!deadlines.empty() && deadlines.begin()->first <= now) {
    const std::uint64_t ticket = deadlines.begin()->second;
    deadlines.erase(deadlines.begin());
    const auto at = tickets.find(ticket);
    if (at == tickets.end()) continue;
    const FlightPtr flight = at->second;
    Answer answer;
    answer.ticket = ticket;
    for (const Waiter& waiter : flight->waiters)
      if (waiter.ticket == ticket) answer.owner = waiter.owner;
    if (!withdraw(ticket)) continue;
    answer.evaluation.verdict = Verdict::infrastructure_error;
    answer.evaluation.explanation = std::string("its deadline passed before it was done; it had come to the stage \"") +
                                    kNames[static_cast<std::size_t>(flight->stage)] + "\"";
    ++counts.expired;
    expired.push_back(std::move(answer));
  }
  return expired;
}

void Pipeline::State::count(const std::vector<Answer>& answers) {
  const auto now = Clock::now();
  for (const Answer& answer : answers) {
    ++counts.answered;
    if (!answer.error) ++counts.verdicts[answer.evaluation.verdict];
    if (answer.evaluation.cached) ++counts.cached;
    recent.push_back(now);
  }
  while (!recent.empty() && now - recent.front() > kRecent) recent.pop_front();
}

PipelineSnapshot Pipeline::State::snapshot() const {
  PipelineSnapshot seen = counts;
  for (std::size_t i = 0; i < kStages; ++i) {
    seen.stages.push_back(stages[i]);
    seen.stages.back().waiting = queues[i].size();
  }
  const auto now = Clock::now();
  seen.device_does = on_device.empty() ? "idle" : on_device;
  seen.device_share = on_device.empty() ? 0 : device_share.load();
  seen.artifact_limit = artifact_limit;
  seen.seconds = std::chrono::duration<double>(now - started).count();
  const auto young = std::count_if(recent.begin(), recent.end(), [&](auto when) { return now - when <= kRecent; });
  const double window = std::min(seen.seconds, std::chrono::duration<double>(kRecent).count());
  seen.answers_per_second = window > 0 ? static_cast<double>(young) / window : 0;
  return seen;
}

Pipeline::Pipeline(std::shared_ptr<Evaluator> evaluator, PipelineOptions options, Deliver deliver, Tick tick) {
  if (!evaluator) throw std::invalid_argument("Pipeline: the evaluator is null");
  if (!deliver) throw std::invalid_argument("Pipeline: nobody takes its answers");
  state_ = std::make_unique<State>(std::move(evaluator), options, std::move(deliver), std::move(tick));
  state_->start();
}

Pipeline::~Pipeline() {
  if (state_->owner != ::getpid()) {
    state_.release();  // a forked child's copy: its threads are the parent's
    return;
  }
  close();
}

std::uint64_t Pipeline::submit(Question question) {
  State& state = *state_;
  auto flight = std::make_shared<Flight>();
  Waiter waiter;
  waiter.owner = question.owner;
  waiter.priority = question.priority;
  const std::optional<std::chrono::steady_clock::time_point> deadline = question.deadline;
  flight->question = std::move(question);
  std::lock_guard lock(state.mutex);
  if (state.closing) throw std::logic_error("the pipeline is closed");
  waiter.ticket = state.next_ticket++;
  flight->waiters.push_back(waiter);
  state.tickets.emplace(waiter.ticket, flight);
  if (deadline) state.deadlines.emplace(*deadline, waiter.ticket);
  ++state.counts.submitted;
  state.enqueue(flight, Stage::validate);
  return waiter.ticket;
}

bool Pipeline::cancel(std::uint64_t ticket) {
  State& state = *state_;
  std::lock_guard lock(state.mutex);
  if (!state.withdraw(ticket)) return false;
  ++state.counts.cancelled;
  state.changed.notify_all();
  return true;
}

PipelineSnapshot Pipeline::snapshot() const {
  PipelineSnapshot seen;
  {
    std::lock_guard lock(state_->mutex);
    seen = state_->snapshot();
  }
  seen.device = state_->evaluator->device_name();
  return seen;
}

void Pipeline::close() {
  State& state = *state_;
  state.stop();
  state.tickets.clear();
  state.by_key.clear();
  state.queues = {};
}

}  // namespace crucible
