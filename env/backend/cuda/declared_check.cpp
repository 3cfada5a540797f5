#include "env/backend/cuda/declared_check.h"

#include <chrono>
#include <map>

#include "env/backend/cuda/candidate_cases.h"
#include "sandbox/sealed_memory.h"

namespace crucible {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

constexpr auto kReadyDeadline = 20s;
constexpr auto kLoadDeadline = 5s;

}  // namespace

CaseLauncher::CaseLauncher(JudgeDevice& device, const std::string& libexec, std::size_t arena_bytes)
    : area_(DeviceMemory::allocate(device.context(), arena_bytes, true)) {
  WorkerControl control = WorkerControl::create(2, 64ull << 20);
  control.exchange().device = device.ordinal();
  control.exchange().area_bytes[0] = area_.size();
  const FileDescriptor area = area_.descriptor();
  auto process = spawn_worker(libexec + "/crucible-launcher", {"3", "4"}, {control.descriptor(), area.get()});
  worker_ = std::make_unique<CudaWorker>(std::move(process), std::move(control));
}

CandidateFacts check_declared(JudgeDevice& device, const CudaPreparedTask& prepared, CaseLauncher& launcher,
                              const DeclaredPlan& plan, const JudgeRequest& request, Choice choice,
                              Evaluation& evaluation, const CheckPoint& check_point) {
  auto since = Clock::now();
  const auto stage = [&](const char* name) {
    evaluation.stage_seconds[name] = std::chrono::duration<double>(Clock::now() - since).count();
    since = Clock::now();
  };
  CandidateFacts facts;
  evaluation.verdict = Verdict::correct;
  const std::string cubin = read_all(request.artifacts.at(1), 64u << 20);
  const auto* bytes = reinterpret_cast<const std::byte*>(cubin.data());
  facts.cubin.assign(bytes, bytes + cubin.size());
  CaseBook book(prepared.cases, evaluation);
  CudaWorker& worker = launcher.worker();
  const auto refuse = [&](const std::string& why) {
    evaluation.verdict = Verdict::load_error;
    evaluation.explanation = why;
    book.close();
    return std::move(facts);
  };
  const std::int64_t processors = device.context().attribute(CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT);
  std::map<const PoolCase*, std::vector<std::byte>> calls;
  const auto declared = [&](const PoolCase& pool_case, const CallLayout& layout) {
    return encode(plan.launches.call({layout, processors}, pool_case.workload->dtype, plan.functions));
  };
  try {
    for (const CheckedCase& checked : prepared.cases)
      calls[checked.pool_case] = declared(*checked.pool_case, checked.pool_case->layout);
    for (const auto& lane : prepared.lanes)
      facts.declared.push_back(declared(lane->pool_case(), lane->pool_case().layout));
  } catch (const LaunchError& error) {
    return refuse("line " + std::to_string(error.line) + ": " + error.what());
  }
  if (const WorkerOutcome ready = worker.wait_ready(kReadyDeadline); !ready.ok())
    throw std::runtime_error("a launcher did not come up: " + ready.message);
  (void)worker.wake(kLoadDeadline);
  if (const WorkerOutcome loaded = worker.ask(CudaOperation::load_module, facts.cubin, 0, kLoadDeadline); !loaded.ok())
    return refuse("the device code did not load: " + loaded.message);
  stage("check_start");
  CaseWorker cases(worker, CudaOperation::call_declared, launcher.arena(), launcher.arena_bytes());
  cases.tell([&](const PoolCase& pool_case, const std::optional<Feed>& fed) {
    if (!fed) return calls.at(&pool_case);
    CallLayout layout = pool_case.layout;  // another call's output lies as an output lies
    layout.arguments[fed->input].tensor.strides = layout.arguments[fed->output].tensor.strides;
    return declared(pool_case, layout);
  });
  CandidateCases run(cases, prepared.task->symmetry, choice, book);
  facts.faulted = !run.run(prepared.cases, check_point);
  worker.process().finish();
  book.close();
  facts.records.resize(prepared.lanes.size());
  facts.eager_ns.resize(prepared.lanes.size());
  stage("check_cases");
  return facts;
}

}  // namespace crucible
