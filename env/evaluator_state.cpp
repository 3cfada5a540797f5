#include "env/evaluator_state.h"

#include <unistd.h>

#include <chrono>
#include <filesystem>

#include "env/backend/cpu/device_name.h"
#include "env/backend/cuda/compile_declared.h"
#include "env/backend/cuda/device_name.h"
#include "env/config_error.h"
#include "env/package.h"
#include "env/run_directory.h"
#include "env/sha256.h"
#include "env/source.h"
#include "sandbox/compile/cuda/cuda_compile.h"

namespace crucible {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int kFailuresOfOneJudge = 2;
constexpr const char* kCudaJudge = "crucible-judge-cuda";
constexpr int kStrikes = 2;  // evaluations in which a source ended its judge every time: it is the source
constexpr auto kTurnPatience = std::chrono::milliseconds(20);  // between looks at the caller's stop token

double seconds_since(Clock::time_point begin) { return std::chrono::duration<double>(Clock::now() - begin).count(); }

}  // namespace

Evaluator::State::State(EvaluatorOptions given) : options(std::move(given)), owner(::getpid()) {
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
  novelty = std::make_unique<NoveltyStage>(options.backend, options.config_directory + "/known_optimizations",
                                           cache_directory() + "/features", toolchain, options.archive, device);
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
  device_compilers = std::make_unique<DeviceCompilers>(toolchain.arguments.front());
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

void Evaluator::State::compile(Candidate& candidate, Warden& with) {
  const auto begin = Clock::now();
  Evaluation& facts = candidate.facts;
  CompileRequest request;
  request.source = normalised_text(candidate.source);
  request.entry_point = candidate.task->name;
  request.arguments = toolchain.arguments;
  CudaCompileResult both;
  if (on_cuda()) {
    CudaCompileRequest device_request;
    device_request.source = request.source;
    device_request.entry_point = request.entry_point;
    device_request.nvcc = toolchain.arguments.front();
    request.deadline = device_request.deadline;
    std::optional<CudaCompileResult> declared =
        compile_declared(*device_compilers, with, *candidate.task, request.source, candidate.options.stop);
    both = declared ? std::move(*declared) : compile_cuda(with, device_request, candidate.options.stop);
  } else {
    both.host = with.compile(request, candidate.options.stop);
  }
  CompileResult& compiled = both.host;
  facts.stage_seconds["compile"] = seconds_since(begin);
  facts.stage_seconds["compiler"] = std::chrono::duration<double>(compiled.compiler_time).count();
  facts.diagnostics = compiled.diagnostics;
  switch (compiled.status) {
    case CompileResult::Status::ok:
      facts.verdict = Verdict::correct;
      break;
    case CompileResult::Status::error:
      facts.verdict = Verdict::compile_error;
      facts.explanation = "the compiler or the linker refused the source";
      return;
    case CompileResult::Status::timed_out:
      facts.verdict = Verdict::compile_timeout;
      facts.explanation =
          "the compiler exceeded its time limit of " + std::to_string(request.deadline.count() / 1000) + " s";
      return;
    case CompileResult::Status::infrastructure:
      throw std::runtime_error("the compile jail failed: " + to_string(compiled.fate) + " " + compiled.diagnostics);
  }
  candidate.artifact = std::move(compiled.artifact);
  candidate.device_code = std::move(both.device_code);
  // Here, so that the compiler's texts (megabytes) need not wait for the device with the candidate.
  const auto analysis = Clock::now();
  candidate.features = novelty->features_of(compiled, candidate.task->name);
  candidate.features_seconds = seconds_since(analysis);
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

Evaluation Evaluator::State::ask_judge(const EvaluateOptions& asked,
                                       const std::function<Evaluation(JudgeClient&)>& question) {
  std::unique_lock guard(turn, std::defer_lock);
  while (!guard.try_lock_for(kTurnPatience))
    if (asked.stop.stop_requested()) throw Cancelled("the evaluation was cancelled");
  try {
    Evaluation facts = question(the_judge());
    judge_failures = 0;
    return facts;
  } catch (const JudgeLost&) {
    judge.reset();
    throw;
  } catch (const Cancelled&) {
    throw;
  } catch (const ConfigError&) {
    throw;
  } catch (const std::exception&) {
    // A judge that fails again may be what is broken (short of memory, say): the next attempt gets a fresh one.
    if (++judge_failures >= kFailuresOfOneJudge) judge.reset();
    if (!judge) judge_failures = 0;
    throw;
  }
}

void Evaluator::State::describe(const Candidate& candidate, Evaluation& facts) const {
  facts.task = candidate.task->name;
  facts.backend = options.backend;
  facts.device = device;
  facts.seed = candidate.options.seed;
  facts.source_sha256 = to_hex(sha256(candidate.source));
  facts.versions["crucible"] = package_version();
  facts.versions["compiler"] = toolchain.version;
}

bool Evaluator::State::strike(const std::string& key) {
  std::lock_guard guard(strikes_guard_);
  return ++strikes_[key] >= kStrikes;
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

}  // namespace crucible
