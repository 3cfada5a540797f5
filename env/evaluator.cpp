#include "env/evaluator.h"

#include <unistd.h>

#include <array>
#include <chrono>
#include <nlohmann/json.hpp>
#include <sstream>

#include "env/config_error.h"
#include "env/diagnosis.h"
#include "env/evaluator_state.h"
#include "env/source.h"

namespace crucible {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int kAttempts = 3;  // over all stages of a candidate

double seconds_since(Clock::time_point begin) { return std::chrono::duration<double>(Clock::now() - begin).count(); }

/// Features as the cache keeps them; empty when there are none, or the bytes are of another version or damaged.
std::optional<KernelFeatures> parse_features(const std::string& bytes) {
  if (bytes.empty()) return std::nullopt;
  try {
    return features_from_bytes(bytes);
  } catch (const std::runtime_error&) {
    return std::nullopt;
  }
}

void give_up_when_asked(const EvaluateOptions& options) {
  if (options.stop.stop_requested()) throw Cancelled("the evaluation was cancelled");
}

std::vector<int> artifacts_of(const Candidate& candidate) {
  std::vector<int> artifacts{candidate.artifact.get()};
  if (candidate.device_code) artifacts.push_back(candidate.device_code.get());
  return artifacts;
}

/// What the judge found out, beside what was known before it was asked.
void adopt(Candidate& candidate, Evaluation judged) {
  Evaluation& facts = candidate.facts;
  judged.diagnostics.insert(0, facts.diagnostics);  // the compiler first, then what the kernels take of the device
  judged.isolation_level = std::move(facts.isolation_level);
  judged.isolation = std::move(facts.isolation);
  judged.stage_seconds.merge(facts.stage_seconds);
  judged.source_sha256 = std::move(facts.source_sha256);
  judged.versions = std::move(facts.versions);
  judged.task = facts.task;
  judged.backend = facts.backend;
  judged.device = facts.device;
  judged.seed = facts.seed;
  facts = std::move(judged);
}

}  // namespace

Evaluator::Evaluator(EvaluatorOptions options) : state_(std::make_unique<State>(std::move(options))) {}

Evaluator::~Evaluator() {
  if (state_ && state_->owner != ::getpid()) {
    state_.release();  // a forked child's copy: what it names belongs to the parent
    return;
  }
  close();
}

Evaluation Evaluator::evaluate(const std::shared_ptr<const Task>& task, std::string_view source,
                               const EvaluateOptions& asked) {
  Candidate candidate = admit(task, std::string(source), asked);
  for (const auto stage : std::array{&Evaluator::compile, &Evaluator::check, &Evaluator::time})
    if (!candidate.decided) (this->*stage)(candidate);
  return conclude(candidate);
}

Candidate Evaluator::admit(std::shared_ptr<const Task> task, std::string source, EvaluateOptions options) {
  reopen_after_fork();
  State& state = *state_;
  Candidate candidate;
  candidate.task = std::move(task);
  candidate.source = std::move(source);
  candidate.options = std::move(options);
  give_up_when_asked(candidate.options);
  if (candidate.options.progress) candidate.options.progress("validate", 0);
  Evaluation& facts = candidate.facts;
  state.describe(candidate, facts);
  if (std::optional<std::string> why = malformed(candidate.source)) {
    facts.verdict = Verdict::malformed;
    facts.explanation = *why;
    candidate.decided = true;
    return candidate;
  }
  candidate.key = state.cache_key(*candidate.task, facts, candidate.options.turn);
  if (state.options.cache && candidate.options.use_cache) {
    if (std::optional<ResultCache::Entry> known = state.cache->find(candidate.key)) {
      facts = std::move(known->evaluation);
      facts.cached = true;
      candidate.features = parse_features(known->features);
      candidate.decided = true;
    }
  }
  return candidate;
}

/// Runs a stage until it ends for a reason that is not ours.
template <class Work>
void Evaluator::attempt(Candidate& candidate, Work&& work) {
  State& state = *state_;
  for (;;) {
    std::string failure;
    std::shared_ptr<Warden> warden;
    try {
      give_up_when_asked(candidate.options);
      warden = state.warden();
      work(*warden);
      return;
    } catch (const Cancelled&) {
      throw;
    } catch (const ConfigError&) {
      throw;
    } catch (const WardenLost& lost) {
      failure = lost.what();
      if (warden) state.drop_warden(warden);
    } catch (const JudgeLost& lost) {
      failure = lost.what();
      ++candidate.judges_lost;
    } catch (const std::exception& error) {
      failure = error.what();
    }
    if (++candidate.failures < kAttempts) continue;
    candidate.decided = true;
    candidate.features.reset();
    candidate.facts = Evaluation();
    state.describe(candidate, candidate.facts);
    const bool its_own = candidate.judges_lost == kAttempts && state.strike(candidate.key);
    candidate.facts.verdict = its_own ? Verdict::crashed : Verdict::infrastructure_error;
    candidate.facts.explanation =
        its_own ? "the source ended its judge in every attempt and is quarantined" : std::move(failure);
    return;
  }
}

void Evaluator::compile(Candidate& candidate) {
  State& state = *state_;
  if (candidate.options.progress) candidate.options.progress("compile", 0);
  attempt(candidate, [&](Warden& warden) {
    const Isolation isolation = warden.isolation();
    candidate.facts.isolation_level = isolation.level;
    candidate.facts.isolation = isolation.walls;
    state.compile(candidate, warden);
    candidate.decided = candidate.facts.verdict != Verdict::correct;
  });
}

void Evaluator::check(Candidate& candidate) {
  State& state = *state_;
  if (state.on_cuda()) return;  // its judge checks and times in one go, on a device of its own
  attempt(candidate, [&](Warden&) {
    adopt(candidate, state.ask_judge(candidate.options, [&](JudgeClient& judge) {
      return judge.check(candidate.task->file, artifacts_of(candidate), candidate.options);
    }));
    candidate.decided = candidate.facts.verdict != Verdict::correct;
  });
}

void Evaluator::time(Candidate& candidate) {
  State& state = *state_;
  attempt(candidate, [&](Warden&) {
    adopt(candidate, state.ask_judge(candidate.options, [&](JudgeClient& judge) {
      return state.on_cuda()
                 ? judge.evaluate(candidate.task->file, artifacts_of(candidate), candidate.options)
                 : judge.time(candidate.task->file, artifacts_of(candidate), candidate.facts, candidate.options);
    }));
    candidate.decided = true;
  });
}

const Evaluation& Evaluator::conclude(Candidate& candidate) {
  State& state = *state_;
  Evaluation& facts = candidate.facts;
  const bool compiled = candidate.artifact && facts.verdict != Verdict::infrastructure_error;
  candidate.artifact.reset();
  candidate.device_code.reset();
  if (candidate.features) {  // of a cached source too: the archive may have grown
    const auto begin = Clock::now();
    facts.novelty = state.novelty->assess(
        *candidate.task, *candidate.features, [&state] { return state.warden(); }, candidate.options.stop);
    state.novelty->discover(*candidate.task, candidate.source, *candidate.features, facts);
    if (compiled) facts.stage_seconds["novelty"] = candidate.features_seconds + seconds_since(begin);
  }
  if (state.options.cache && !facts.cached && !candidate.key.empty())
    state.cache->store(candidate.key, facts, candidate.features ? to_bytes(*candidate.features) : std::string());
  return facts;
}

void Evaluator::reopen_after_fork() {
  if (state_->owner == ::getpid()) return;
  EvaluatorOptions options = state_->options;
  options.task_directories.pop_back();  // the constructor adds the package's own again
  if (options.backend == "cuda") options.task_directories.pop_back();
  if (options.device == "cpu") options.device.clear();
  state_.release();
  state_ = std::make_unique<State>(std::move(options));
}

std::vector<std::string> Evaluator::warm(const std::shared_ptr<const Task>& task, const Progress& progress) {
  reopen_after_fork();
  std::lock_guard guard(state_->turn);
  const nlohmann::json report = nlohmann::json::parse(state_->the_judge().warm(task->file, progress, {}));
  std::vector<std::string> lines;
  for (const nlohmann::json& timed : report.at("workloads")) {
    std::ostringstream line;
    line.precision(4);
    line << timed.at("name").get<std::string>() << ": " << timed.at("mode").get<std::string>() << ", best "
         << timed.at("baseline").get<std::string>() << " " << timed.at("baseline_ns").get<double>() / 1000 << " us";
    for (const auto& [name, ns] : timed.at("all_ns").items())
      if (name != timed.at("baseline").get<std::string>())
        line << ", " << name << " " << ns.get<double>() / 1000 << " us";
    lines.push_back(line.str());
  }
  for (const nlohmann::json& problem : report.value("problems", nlohmann::json::array()))
    lines.push_back((problem.at("error").get<bool>() ? "error: " : "note: ") + task->file + ": " +
                    problem.at("key").get<std::string>() + ": " + problem.at("what").get<std::string>());
  for (const nlohmann::json& removed : report.at("removed")) lines.push_back("removed " + removed.get<std::string>());
  for (const nlohmann::json& note : report.at("notes")) lines.push_back("note: " + note.get<std::string>());
  return lines;
}

std::string Evaluator::check_task(const std::shared_ptr<const Task>& task, int seeds, int timed_seeds,
                                  const Progress& progress) {
  reopen_after_fork();
  std::lock_guard guard(state_->turn);
  return state_->the_judge().check_task(task->file, seeds, timed_seeds, progress, {});
}

std::string Evaluator::diagnose() const {
  State& state = *state_;
  try {
    const Isolation isolation = state.warden()->isolation();
    return diagnose_host(state.options, state.toolchain, state.device, &isolation, "");
  } catch (const std::exception& error) {
    return diagnose_host(state.options, state.toolchain, state.device, nullptr, error.what());
  }
}

std::shared_ptr<const Task> Evaluator::task(std::string_view name) const {
  return find_task(name, state_->options.task_directories);
}

std::vector<std::string> Evaluator::task_names() const {
  return crucible::task_names(state_->options.task_directories);
}

const EvaluatorOptions& Evaluator::options() const { return state_->options; }

std::string Evaluator::device_name() const { return state_->device; }

void Evaluator::close() {
  if (state_->owner != ::getpid()) return;  // a forked child's copy, whose locks may be held by threads it has not
  State& state = *state_;
  std::lock_guard turn(state.turn);
  state.judge.reset();
  state.judge_warden.reset();
  std::lock_guard open(state.open);
  state.warden_.reset();
  state.closed = true;
}

}  // namespace crucible
