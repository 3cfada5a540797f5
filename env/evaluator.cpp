#include "env/evaluator.h"

#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <map>
#include <mutex>
#include <nlohmann/json.hpp>
#include <sstream>

#include "env/backend/cpu/device_name.h"
#include "env/backend/cuda/device_name.h"
#include "env/config_error.h"
#include "env/diagnosis.h"
#include "env/judge_client.h"
#include "env/novelty_stage.h"
#include "env/package.h"
#include "env/result_cache.h"
#include "env/run_directory.h"
#include "env/sha256.h"
#include "env/source.h"
#include "env/toolchain.h"
#include "sandbox/compile/cuda/cuda_compile.h"

namespace crucible {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int kAttempts = 3;
constexpr const char* kCudaJudge = "crucible-judge-cuda";
constexpr int kStrikes = 2;  // evaluations in which a source ended its judge every time: it is the source

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

}  // namespace

struct Evaluator::State {
  explicit State(EvaluatorOptions given);

  std::shared_ptr<Warden> warden();
  void drop_warden(const std::shared_ptr<Warden>& lost);
  void compile(const Task& task, std::string_view source, const EvaluateOptions& options, Evaluation& evaluation,
               CudaCompileResult& compiled);
  JudgeClient& the_judge();  ///< needs `turn`
  Evaluation judged(const Task& task, const CudaCompileResult& compiled, const EvaluateOptions& options);
  bool on_cuda() const { return options.backend == "cuda"; }
  void use_cuda();  ///< completes options and names the device; throws ConfigError
  std::string cache_key(const Task& task, const Evaluation& evaluation, std::uint32_t turn) const;

  EvaluatorOptions options;
  Toolchain toolchain;
  std::string device;
  pid_t owner = ::getpid();
  std::unique_ptr<ResultCache> cache;
  std::unique_ptr<NoveltyStage> novelty;

  std::mutex open;  ///< guards warden_
  std::shared_ptr<Warden> warden_;
  std::mutex turn;  ///< the device: one question at a time; guards judge
  std::unique_ptr<JudgeClient> judge;
  std::shared_ptr<Warden> judge_warden;
  std::mutex strikes_guard;
  std::map<std::string, int> strikes;  ///< sources under which the judge died, by key
  bool closed = false;
};

Evaluator::State::State(EvaluatorOptions given) : options(std::move(given)) {
  if (options.libexec.empty()) options.libexec = libexec_directory();
  if (options.backend == "auto") {
    const bool judge_installed = std::filesystem::exists(options.libexec + "/" + kCudaJudge);
    const bool wants_cpu = options.device == "cpu";
    options.backend = !wants_cpu && judge_installed && !cuda_devices().empty() && !find_nvcc().empty() ? "cuda" : "cpu";
  }
  if (options.backend != "cpu" && options.backend != "cuda")
    throw ConfigError("backend: '" + options.backend + "'" + did_you_mean(options.backend, {"auto", "cpu", "cuda"}));
  if (options.config_directory.empty()) options.config_directory = package_configs(options.libexec);
  // A task's production shapes differ by device: those of the cuda backend come first where it has its own.
  if (on_cuda()) options.task_directories.push_back(options.config_directory + "/tasks/cuda");
  options.task_directories.push_back(options.config_directory + "/tasks");
  RunDirectory run = open_run_directory(options.run_directory, options.secret);
  options.run_directory = run.path;
  options.secret = run.secret;
  if (on_cuda()) {
    use_cuda();
  } else {
    if (!options.device.empty() && options.device != "cpu")
      throw ConfigError("device: '" + options.device + "' is no device of the cpu backend; use 'cpu'");
    options.device = "cpu";
    device = cpu_device_name();
    toolchain = cpu_toolchain();
  }
  cache = std::make_unique<ResultCache>(options.cache ? options.run_directory + "/cache" : "");
  novelty = std::make_unique<NoveltyStage>(options.config_directory + "/known_optimizations",
                                           cache_directory() + "/features", cpu_toolchain());
}

void Evaluator::State::use_cuda() {
  if (!std::filesystem::exists(options.libexec + "/" + kCudaJudge))
    throw ConfigError("backend: this build has no cuda backend (" + options.libexec + "/" + kCudaJudge +
                      " is missing); build it where a CUDA Toolkit is");
  const std::vector<std::string> devices = cuda_devices();
  if (devices.empty()) throw ConfigError("backend: no NVIDIA GPU is here; use the cpu backend");
  if (options.device.empty()) options.device = "cuda:0";
  std::size_t ordinal = devices.size();
  for (std::size_t i = 0; i < devices.size(); ++i)
    if (options.device == "cuda:" + std::to_string(i)) ordinal = i;
  if (ordinal == devices.size())
    throw ConfigError("device: '" + options.device +
                      "' is none of cuda:0 to cuda:" + std::to_string(devices.size() - 1));
  device = devices[ordinal];
  toolchain = cuda_toolchain();
}

std::shared_ptr<Warden> Evaluator::State::warden() {
  std::lock_guard guard(open);
  if (closed) throw std::logic_error("the evaluator is closed");
  if (!warden_) warden_ = Warden::launch({options.libexec, options.isolation_demand});
  return warden_;
}

void Evaluator::State::drop_warden(const std::shared_ptr<Warden>& lost) {
  std::lock_guard guard(open);
  if (warden_ == lost) warden_.reset();
}

void Evaluator::State::compile(const Task& task, std::string_view source, const EvaluateOptions& asked,
                               Evaluation& evaluation, CudaCompileResult& both) {
  const auto begin = Clock::now();
  CompileRequest request;
  request.source = normalised_text(source);
  request.entry_point = task.name;
  request.arguments = toolchain.arguments;
  if (asked.progress) asked.progress("compile", 0);
  if (on_cuda()) {
    CudaCompileRequest device_request;
    device_request.source = request.source;
    device_request.entry_point = task.name;
    device_request.nvcc = toolchain.arguments.front();
    request.deadline = device_request.deadline;
    both = compile_cuda(*warden(), device_request, asked.stop);
  } else {
    both.host = warden()->compile(request, asked.stop);
  }
  const CompileResult& compiled = both.host;
  evaluation.stage_seconds["compile"] = seconds_since(begin);
  evaluation.stage_seconds["compiler"] = std::chrono::duration<double>(compiled.compiler_time).count();
  evaluation.diagnostics = compiled.diagnostics;
  switch (compiled.status) {
    case CompileResult::Status::ok:
      evaluation.verdict = Verdict::correct;
      break;
    case CompileResult::Status::error:
      evaluation.verdict = Verdict::compile_error;
      evaluation.explanation = "the compiler or the linker refused the source";
      break;
    case CompileResult::Status::timed_out:
      evaluation.verdict = Verdict::compile_timeout;
      evaluation.explanation =
          "the compiler exceeded its time limit of " + std::to_string(request.deadline.count() / 1000) + " s";
      break;
    case CompileResult::Status::infrastructure:
      throw std::runtime_error("the compile jail failed: " + to_string(compiled.fate) + " " + compiled.diagnostics);
  }
}

JudgeClient& Evaluator::State::the_judge() {
  std::shared_ptr<Warden> mine = warden();
  if (!judge || judge_warden != mine) {
    judge.reset();
    JudgeConfiguration configuration;
    if (on_cuda()) configuration.executable = kCudaJudge;
    configuration.secret = options.secret;
    configuration.libexec = options.libexec;
    configuration.cache_directory = cache_directory();
    configuration.device = options.device;
    configuration.budget_seconds = options.time_budget_seconds;
    judge = std::make_unique<JudgeClient>(*mine, configuration);
    judge_warden = mine;
  }
  return *judge;
}

Evaluation Evaluator::State::judged(const Task& task, const CudaCompileResult& compiled, const EvaluateOptions& asked) {
  std::lock_guard guard(turn);
  try {
    std::vector<int> artifacts{compiled.host.artifact.get()};
    if (compiled.device_code) artifacts.push_back(compiled.device_code.get());
    return the_judge().evaluate(task.file, artifacts, asked);
  } catch (const JudgeLost&) {
    judge.reset();
    throw;
  }
}

std::string Evaluator::State::cache_key(const Task& task, const Evaluation& evaluation,
                                        std::uint32_t turn_number) const {
  Sha256 hash;
  for (const std::string& part :
       {evaluation.source_sha256, file_digest(task.file), std::to_string(evaluation.seed), std::to_string(turn_number),
        options.backend, device, toolchain.version, to_hex(sha256(options.secret)),
        std::to_string(options.time_budget_seconds), std::string("evaluation 1")})
    hash.update(part).update(std::string_view("\0", 1));
  return to_hex(hash.finish());
}

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
  reopen_after_fork();
  State& state = *state_;
  Evaluation evaluation;
  auto describe = [&](Evaluation& e) {
    e.task = task->name;
    e.backend = state.options.backend;
    e.device = state.device;
    e.seed = asked.seed;
    e.source_sha256 = to_hex(sha256(source));
    e.versions["crucible"] = package_version();
    e.versions["compiler"] = state.toolchain.version;
  };
  describe(evaluation);
  if (asked.stop.stop_requested()) throw Cancelled("the evaluation was cancelled");
  if (asked.progress) asked.progress("validate", 0);
  if (std::optional<std::string> why = malformed(source)) {
    evaluation.verdict = Verdict::malformed;
    evaluation.explanation = *why;
    return evaluation;
  }
  const WardenSource wardens = [&state] { return state.warden(); };
  const std::string key = state.cache_key(*task, evaluation, asked.turn);
  if (state.options.cache && asked.use_cache) {
    if (std::optional<ResultCache::Entry> known = state.cache->find(key)) {
      known->evaluation.cached = true;
      if (const std::optional<KernelFeatures> features = parse_features(known->features))  // the archive may have grown
        known->evaluation.novelty = state.novelty->assess(*task, *features, wardens, asked.stop);
      return known->evaluation;
    }
  }
  int judges_lost = 0;
  for (int attempt = 1;; ++attempt) {
    Evaluation facts;
    std::string failure, features;
    std::shared_ptr<Warden> warden;
    try {
      describe(facts);
      warden = state.warden();
      const Isolation isolation = warden->isolation();
      facts.isolation_level = isolation.level;
      facts.isolation = isolation.walls;
      CudaCompileResult both;
      state.compile(*task, source, asked, facts, both);
      const CompileResult& compiled = both.host;
      if (facts.verdict == Verdict::correct) {
        Evaluation judged = state.judged(*task, both, asked);
        judged.diagnostics = facts.diagnostics;
        judged.isolation_level = facts.isolation_level;
        judged.isolation = facts.isolation;
        judged.stage_seconds.merge(facts.stage_seconds);
        describe(judged);
        facts = std::move(judged);
        if (state.on_cuda()) {
          facts.novelty.failure = "no known kernels are collected for the cuda backend";
        } else {
          const auto begin = Clock::now();
          const KernelFeatures known_by = NoveltyStage::features_of(compiled, task->name);
          features = to_bytes(known_by);
          facts.novelty = state.novelty->assess(*task, known_by, wardens, asked.stop);
          facts.stage_seconds["novelty"] = seconds_since(begin);
        }
      }
      if (state.options.cache) state.cache->store(key, facts, features);
      return facts;
    } catch (const Cancelled&) {
      throw;
    } catch (const ConfigError&) {
      throw;
    } catch (const WardenLost& lost) {
      failure = lost.what();
      if (warden) state.drop_warden(warden);
    } catch (const JudgeLost& lost) {
      failure = lost.what();
      ++judges_lost;
    } catch (const std::exception& error) {
      failure = error.what();
    }
    if (attempt < kAttempts) continue;
    if (judges_lost == kAttempts) {
      std::lock_guard guard(state.strikes_guard);
      if (++state.strikes[key] >= kStrikes) {
        evaluation.verdict = Verdict::crashed;
        evaluation.explanation = "the source ended its judge in every attempt and is quarantined";
        return evaluation;
      }
    }
    evaluation.verdict = Verdict::infrastructure_error;
    evaluation.explanation = failure;
    return evaluation;
  }
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
      if (name != timed.at("baseline")) line << ", " << name << " " << ns.get<double>() / 1000 << " us";
    lines.push_back(line.str());
  }
  for (const nlohmann::json& problem : report.value("problems", nlohmann::json::array()))
    lines.push_back((problem.at("error").get<bool>() ? "error: " : "note: ") + task->file + ": " +
                    problem.at("key").get<std::string>() + ": " + problem.at("what").get<std::string>());
  for (const nlohmann::json& removed : report.at("removed")) lines.push_back("removed " + removed.get<std::string>());
  for (const nlohmann::json& note : report.at("notes")) lines.push_back("note: " + note.get<std::string>());
  return lines;
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
  State& state = *state_;
  std::lock_guard turn(state.turn);
  state.judge.reset();
  state.judge_warden.reset();
  std::lock_guard open(state.open);
  state.warden_.reset();
  state.closed = true;
}

}  // namespace crucible
