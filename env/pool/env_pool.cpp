#include "env/pool/env_pool.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <set>
#include <unordered_map>

#include "env/config_error.h"
#include "env/pool/run_journal.h"
#include "env/sha256.h"
#include "sandbox/file_descriptor.h"

namespace crucible {
namespace {

using Clock = std::chrono::steady_clock;

std::string numbered(std::size_t env) { return "environment " + std::to_string(env); }

}  // namespace

/// The pool's side of the bookkeeping; the pipeline has its own.
struct EnvPool::State {
  /// An action that was taken and not answered yet.
  struct Owed {
    std::size_t env;
    std::uint64_t ticket;
    std::string source;
    Clock::time_point since;
  };
  struct Ready {
    PoolResult result;
    std::exception_ptr error;
  };

  std::size_t checked(std::size_t env) const;
  void take_answers(std::vector<Answer> answers);
  // These need the mutex.
  void publish(Ready ready);
  void bring_news();
  void take_back_news();
  bool await(std::unique_lock<std::mutex>& lock, std::size_t count,
             std::optional<std::chrono::duration<double>> timeout);

  std::shared_ptr<Evaluator> evaluator;
  std::vector<Environment> environments;  ///< each is touched by the pool while it owes, else by the user
  std::vector<bool> owes;                 ///< from send() until recv() gave the answer out
  std::unique_ptr<RunJournal> journal;
  FileDescriptor signal;
  pid_t owner = ::getpid();

  mutable std::mutex mutex;
  std::condition_variable changed;
  std::uint64_t next_request = 1;
  std::unordered_map<std::uint64_t, std::uint64_t> requests;  ///< ticket → request
  std::unordered_map<std::uint64_t, Owed> owed;               ///< by request
  std::deque<Ready> answers;
  std::size_t debts = 0;  ///< environments that owe
  bool closed = false;

  std::unique_ptr<Pipeline> pipeline;  ///< last: its threads use everything above
};

std::size_t EnvPool::State::checked(std::size_t env) const {
  if (env >= environments.size())
    throw std::out_of_range(numbered(env) + " is unknown: this pool has 0 to " +
                            std::to_string(environments.size() - 1));
  return env;
}

void EnvPool::State::publish(Ready ready) {
  answers.push_back(std::move(ready));
  bring_news();
}

void EnvPool::State::bring_news() {
  changed.notify_all();
  const std::uint64_t one = 1;
  if (::write(signal.get(), &one, sizeof one) < 0) return;  // it is at its highest: readable anyway
}

void EnvPool::State::take_back_news() {
  std::uint64_t value = 0;
  if (::read(signal.get(), &value, sizeof value) < 0) return;  // there was none
}

/// The pipeline's recording thread: steps are made of facts, kept, and only then given out.
void EnvPool::State::take_answers(std::vector<Answer> given) {
  std::vector<Ready> made;
  for (Answer& answer : given) {
    Owed owed_action;
    std::uint64_t request = 0;
    {
      std::lock_guard lock(mutex);
      const auto known = requests.find(answer.ticket);
      if (known == requests.end()) continue;  // withdrawn in the very last moment
      request = known->second;
      requests.erase(known);
      const auto at = owed.find(request);
      owed_action = std::move(at->second);
      owed.erase(at);
    }
    Ready ready;
    ready.result.env = owed_action.env;
    ready.result.request = request;
    ready.error = answer.error;
    if (!ready.error) {
      Evaluation& facts = answer.evaluation;
      if (facts.source_sha256.empty()) {  // its deadline passed before anything was known of it
        Environment& environment = environments[owed_action.env];
        facts.task = environment.task().name;
        facts.backend = evaluator->options().backend;
        facts.device = evaluator->device_name();
        facts.seed = environment.next().seed;
        facts.source_sha256 = to_hex(sha256(owed_action.source));
      }
      try {
        ready.result.step = environments[owed_action.env].settle(std::move(owed_action.source), std::move(facts));
      } catch (...) {
        ready.error = std::current_exception();
      }
    }
    ready.result.seconds = std::chrono::duration<double>(Clock::now() - owed_action.since).count();
    made.push_back(std::move(ready));
  }
  if (evaluator->options().write_records) {
    std::vector<const Record*> records;
    for (const Ready& ready : made)
      if (!ready.error) records.push_back(&ready.result.step.record);
    try {
      journal->keep(records);
    } catch (...) {  // a full disk: what is not kept is not given out as if it were
      for (Ready& ready : made)
        if (!ready.error) ready.error = std::current_exception();
    }
  }
  std::lock_guard lock(mutex);
  for (Ready& ready : made) publish(std::move(ready));
}

EnvPool::EnvPool(std::shared_ptr<Evaluator> evaluator, const std::vector<std::string>& tasks, EnvPoolOptions options)
    : state_(std::make_unique<State>()) {
  if (!evaluator) throw std::invalid_argument("EnvPool: the evaluator is null");
  if (options.environments == 0) throw ConfigError("num_envs: must be at least 1");
  if (tasks.empty()) throw ConfigError("task: name at least one");
  State& state = *state_;
  state.evaluator = std::move(evaluator);
  EnvironmentOptions each;
  each.max_turns = options.max_turns;
  each.reward = options.reward;
  std::vector<std::shared_ptr<const Task>> found;  // read once, however many environments there are
  for (const std::string& name : tasks) found.push_back(state.evaluator->task(name));
  for (std::size_t i = 0; i < options.environments; ++i) {
    state.environments.emplace_back(state.evaluator, found[i % found.size()], each);
    each.reward = state.environments.front().reward();
  }
  state.owes.resize(options.environments);
  state.signal = FileDescriptor(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!state.signal) throw std::runtime_error("no eventfd can be had");
  state.journal =
      std::make_unique<RunJournal>(*state.evaluator, tasks, options.environments, options.max_turns, each.reward);
  state.pipeline = std::make_unique<Pipeline>(
      state.evaluator, options.pipeline,
      [&state](std::vector<Answer> answers) { state.take_answers(std::move(answers)); },
      [&state] { state.journal->tell(state.pipeline->snapshot()); });
  state.journal->tell(state.pipeline->snapshot());
}

EnvPool::~EnvPool() {
  if (!state_) return;
  if (state_->owner != ::getpid()) {
    state_.release();  // a forked child's copy: what it names belongs to the parent
    return;
  }
  close();
}

EnvPool::State& EnvPool::live() const {
  if (state_->owner != ::getpid())
    throw std::logic_error("this pool was made before the process forked: make one of your own in the child");
  return *state_;
}

std::size_t EnvPool::size() const { return state_->environments.size(); }

const Task& EnvPool::task(std::size_t env) const { return state_->environments[state_->checked(env)].task(); }

std::string EnvPool::reset(std::size_t env, std::optional<std::uint64_t> seed) {
  State& state = live();
  std::lock_guard lock(state.mutex);
  if (state.owes[state.checked(env)])
    throw AnswerPending(numbered(env) + " owes an answer: recv() it, or cancel() it, before reset()");
  return state.environments[env].reset(seed);
}

std::vector<std::uint64_t> EnvPool::async_reset(const std::vector<std::size_t>& envs,
                                                const std::vector<std::optional<std::uint64_t>>& seeds) {
  State& state = live();
  if (!seeds.empty() && seeds.size() != envs.size())
    throw std::invalid_argument("async_reset(): " + std::to_string(seeds.size()) + " seeds for " +
                                std::to_string(envs.size()) + " environments");
  std::lock_guard lock(state.mutex);
  std::set<std::size_t> named;
  for (std::size_t env : envs) {
    if (state.owes[state.checked(env)])
      throw AnswerPending(numbered(env) + " owes an answer: recv() it before another async_reset()");
    if (!named.insert(env).second) throw std::invalid_argument(numbered(env) + " is named twice in one call");
  }
  std::vector<std::uint64_t> numbers;
  for (std::size_t i = 0; i < envs.size(); ++i) {
    State::Ready ready;
    ready.result.env = envs[i];
    ready.result.request = state.next_request++;
    ready.result.reset = true;
    ready.result.step.observation =
        state.environments[envs[i]].reset(seeds.empty() ? std::optional<std::uint64_t>() : seeds[i]);
    numbers.push_back(ready.result.request);
    state.owes[envs[i]] = true;
    ++state.debts;
    state.publish(std::move(ready));
  }
  return numbers;
}

std::vector<std::uint64_t> EnvPool::send(std::vector<PoolAction> actions) {
  State& state = live();
  std::lock_guard lock(state.mutex);
  if (state.closed) throw std::logic_error("send(): the pool is closed");
  std::set<std::size_t> named;
  for (const PoolAction& action : actions) {
    if (state.owes[state.checked(action.env)])
      throw AnswerPending(numbered(action.env) + " owes an answer: recv() it before you send it another source");
    if (!named.insert(action.env).second)
      throw std::invalid_argument(numbered(action.env) + " is named twice in one call");
    if (!state.environments[action.env].running())
      throw EpisodeOver(numbered(action.env) + " has no episode running: reset() it before send()");
  }
  std::vector<std::uint64_t> numbers;
  const auto now = Clock::now();
  for (PoolAction& action : actions) {
    const Environment& environment = state.environments[action.env];
    const EvaluateOptions next = environment.next();
    Question question;
    question.task = environment.shared_task();
    question.source = action.source;
    question.seed = next.seed;
    question.turn = next.turn;
    question.owner = action.env;
    question.priority = action.priority;
    if (action.within) question.deadline = now + std::chrono::duration_cast<Clock::duration>(*action.within);
    const std::uint64_t request = state.next_request++;
    const std::uint64_t ticket = state.pipeline->submit(std::move(question));
    state.requests.emplace(ticket, request);
    state.owed.emplace(request, State::Owed{action.env, ticket, std::move(action.source), now});
    state.owes[action.env] = true;
    ++state.debts;
    numbers.push_back(request);
  }
  return numbers;
}

bool EnvPool::State::await(std::unique_lock<std::mutex>& lock, std::size_t count,
                           std::optional<std::chrono::duration<double>> timeout) {
  if (closed) throw std::logic_error("recv(): the pool is closed");
  if (debts == 0) throw NothingPending("recv(): nothing is owed; send() or async_reset() first");
  const auto enough = [&] { return closed || answers.size() >= std::min(count, debts); };
  if (timeout)
    changed.wait_for(lock, std::chrono::duration_cast<std::chrono::microseconds>(*timeout), enough);
  else
    changed.wait(lock, enough);
  if (closed) throw std::logic_error("recv(): the pool was closed while an answer was awaited");
  return enough();
}

bool EnvPool::wait(std::size_t count, std::optional<std::chrono::duration<double>> timeout) {
  State& state = live();
  std::unique_lock lock(state.mutex);
  const bool there = state.await(lock, count, timeout);
  if (!there) state.take_back_news();
  return there;
}

std::vector<PoolResult> EnvPool::recv(std::size_t count, std::optional<std::chrono::duration<double>> timeout) {
  State& state = live();
  std::unique_lock lock(state.mutex);
  state.await(lock, count, timeout);
  std::vector<PoolResult> results;
  while (!state.answers.empty() && results.size() < count) {
    State::Ready& first = state.answers.front();
    if (first.error && !results.empty()) break;  // what is good is given out first
    State::Ready ready = std::move(first);
    state.answers.pop_front();
    state.owes[ready.result.env] = false;
    --state.debts;
    if (ready.error) std::rethrow_exception(ready.error);
    results.push_back(std::move(ready.result));
  }
  return results;
}

std::vector<std::size_t> EnvPool::cancel(const std::vector<std::size_t>& envs) {
  State& state = live();
  std::lock_guard lock(state.mutex);
  for (std::size_t env : envs) state.checked(env);
  std::vector<std::size_t> withdrawn;
  for (std::size_t env : envs) {
    const auto at =
        std::find_if(state.owed.begin(), state.owed.end(), [&](const auto& each) { return each.second.env == env; });
    if (at == state.owed.end() || !state.pipeline->cancel(at->second.ticket)) continue;
    state.requests.erase(at->second.ticket);
    state.owed.erase(at);
    state.owes[env] = false;
    --state.debts;
    withdrawn.push_back(env);
  }
  state.bring_news();  // whoever waits for them waits for fewer now
  return withdrawn;
}

std::vector<std::size_t> EnvPool::pending() const {
  const State& state = live();
  std::lock_guard lock(state.mutex);
  std::vector<std::size_t> envs;
  for (std::size_t i = 0; i < state.owes.size(); ++i)
    if (state.owes[i]) envs.push_back(i);
  return envs;
}

std::size_t EnvPool::ready() const {
  const State& state = live();
  std::lock_guard lock(state.mutex);
  return state.answers.size();
}

int EnvPool::ready_descriptor() const { return live().signal.get(); }

PipelineSnapshot EnvPool::snapshot() const { return live().pipeline->snapshot(); }

void EnvPool::close() {
  if (state_->owner != ::getpid()) return;  // the parent's to close
  State& state = *state_;
  {
    std::lock_guard lock(state.mutex);
    if (state.closed) return;
    state.closed = true;
    state.bring_news();
  }
  state.pipeline->close();
  state.journal->end(state.pipeline->snapshot());
}

}  // namespace crucible
