#include "env/backend/cuda/prepare.h"

#include <algorithm>
#include <set>

#include "env/backend/cuda/case_worker.h"
#include "env/backend/cuda/declared_check.h"
#include "env/config_error.h"
#include "env/judge/bars.h"
#include "env/judge/verify.h"
#include "sandbox/launcher/wire.h"

namespace crucible {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kEntriesPerCase = 2;
constexpr auto kReadyDeadline = 20s;
constexpr auto kCallDeadline = 10s;
constexpr std::int64_t kHostElements = 1 << 20;  // outputs up to this size are judged on the host
constexpr std::uint64_t kLaneBytes = 64ull << 20;

std::vector<BaselinePlugin> cuda_plugins(const std::string& libexec) {
  std::vector<BaselinePlugin> plugins = baseline_plugins(libexec + "/cuda");
  if (plugins.empty())
    throw ConfigError(libexec + "/cuda/baselines: no baseline was built; build them or set CRUCIBLE_LIBEXEC");
  return plugins;
}

std::int64_t output_elements(const CallLayout& layout) {
  std::int64_t elements = 0;
  for (const Argument& a : layout.arguments)
    if (a.kind == Argument::Kind::tensor && a.tensor.access != Access::input) elements += a.tensor.element_count();
  return elements;
}

/// Runs every baseline on every case and fixes each case's bar from those that are admitted (DESIGN.md, "Correct
/// means").
void fix_cuda_bars(JudgeDevice& device, const std::string& libexec, CudaPreparedTask& prepared,
                   const std::vector<PoolCase*>& pool_cases, const std::vector<BaselinePlugin>& plugins,
                   const std::function<void(double)>& report) {
  std::vector<std::vector<std::vector<OutputError>>> errors(pool_cases.size());
  const std::size_t arena = std::max<std::size_t>(case_arena_bytes(pool_cases), 1 << 20);
  for (std::size_t p = 0; p < plugins.size(); ++p) {
    report(static_cast<double>(p) / static_cast<double>(plugins.size()));
    CaseLauncher launcher(device, libexec, arena);
    WorkerOutcome started = launcher.worker().wait_ready(kReadyDeadline);
    if (started.ok()) {
      WireWriter request;
      request.text(plugins[p].path);
      request.text(prepared.task->name);
      started = launcher.worker().ask(CudaOperation::load_plugin, request.take(), 0, kReadyDeadline);
    }
    if (!started.ok()) {
      prepared.notes.push_back(plugins[p].name + " does not serve this task: " + started.message);
      continue;
    }
    CaseWorker cases(launcher.worker(), CudaOperation::warm_plugin, launcher.arena(), launcher.arena_bytes());
    Choice choice(p + 1);
    for (std::size_t c = 0; c < pool_cases.size(); ++c)
      for (std::size_t e = 0; e < kEntriesPerCase; ++e) {
        const Hand hand = draw_hand(*pool_cases[c], Symmetry::none, e, choice);
        CaseBytes left;
        const WorkerOutcome outcome =
            cases.run(*pool_cases[c], hand, cases.place(*pool_cases[c], choice), choice, kCallDeadline, left);
        if (outcome.status != WorkerOutcome::Status::done) {
          prepared.notes.push_back(plugins[p].name + " ended on " + case_key(*pool_cases[c]));
          c = pool_cases.size();
          break;
        }
        if (!outcome.ok()) break;  // not a baseline for this case
        if (const auto stray = find_stray_write(*pool_cases[c], hand, left.slot, left.bytes.data())) {
          prepared.notes.push_back(plugins[p].name + " changed " + stray->what + " on " + case_key(*pool_cases[c]));
          break;
        }
        errors[c].push_back(errors_of(*pool_cases[c], e, collect(*pool_cases[c], hand, left.slot, left.bytes.data())));
      }
  }
  for (std::size_t c = 0; c < pool_cases.size(); ++c) {
    PoolCase& pool_case = *pool_cases[c];
    std::vector<Tolerance> bar = bar_from(errors[c]);
    if (bar.empty()) {
      std::string why = errors[c].empty() ? "no baseline serves it" : "no baseline is accurate enough on it";
      for (const std::vector<OutputError>& run : errors[c])
        for (const OutputError& error : run)
          if (!error.mismatch.empty() || error.eta > 16)
            why += "; " + (error.mismatch.empty() ? "eta " + std::to_string(error.eta) : error.mismatch);
      prepared.removed.push_back(case_key(pool_case) + ": " + why);
      continue;
    }
    for (std::size_t i = 0; i < bar.size(); ++i) {
      const DType dtype = pool_case.layout.arguments[pool_case.entries[0].expected[i].argument].tensor.dtype;
      if (dtype != DType::f16 && dtype != DType::bf16) bar[i].max_rms_eta.reset();
    }
    Pool::accept(pool_case, std::move(bar));
    for (std::size_t e = 0; e < pool_case.entries.size() && pool_case.counted && !pool_case.empty; ++e)
      if (trivial_program_passes(pool_case, e)) pool_case.counted = false;
  }
}

/// The family a workload is timed on: that of its first case.
std::string timed_family(const Task& task, const Workload& workload) {
  for (const Case& each : task.cases)
    if (each.workload == &workload) return each.family;
  return "normal";
}

/// Contents for chains: many entries of small calls, a few of large ones (rows are permuted when dealt again).
std::unique_ptr<PoolCase> lane_case(const Task& task, const Workload& workload, const std::string& secret) {
  auto made = std::make_unique<PoolCase>(Pool::outline(task, workload, timed_family(task, workload)));
  std::uint64_t bytes = 1;
  for (const StorageLayout& s : made->layout.storages) bytes += s.bytes;
  const std::uint64_t entries = std::clamp<std::uint64_t>(kLaneBytes / bytes, 3, 64);
  for (std::uint64_t i = 0; i < entries; ++i) {
    PoolEntry entry;
    entry.contents =
        task.generator->fill(workload, made->layout, made->family,
                             derive_key(secret, {task.name, workload.name, made->family, "chain", std::to_string(i)}));
    made->entries.push_back(std::move(entry));
  }
  return made;
}

}  // namespace

std::unique_ptr<CudaPreparedTask> prepare_cuda_task(JudgeDevice& device, const CudaJudgeSettings& settings,
                                                    const std::shared_ptr<const Task>& task,
                                                    const CheckPoint& check_point) {
  auto prepared = std::make_unique<CudaPreparedTask>();
  prepared->task = task;
  prepared->pool = std::make_unique<Pool>(task, settings.secret);
  const std::vector<BaselinePlugin> plugins = cuda_plugins(settings.libexec);
  const auto report = [&](double from, double to, double share) {
    if (check_point) check_point(from + (to - from) * share);
  };
  std::vector<PoolCase*> pool_cases;
  const auto add = [&](const Case& each) -> PoolCase* {
    if (output_elements(task->generator->layout(*each.workload)) > kHostElements) return nullptr;
    PoolCase& pool_case = prepared->pool->get(*each.workload, each.family, kEntriesPerCase);
    if (std::find(pool_cases.begin(), pool_cases.end(), &pool_case) == pool_cases.end())
      pool_cases.push_back(&pool_case);
    return &pool_case;
  };
  for (std::size_t i = 0; i < task->cases.size(); ++i) {
    report(0, 0.3, static_cast<double>(i) / static_cast<double>(task->cases.size()));
    if (PoolCase* pool_case = add(task->cases[i])) prepared->cases.push_back({pool_case, false});
  }
  for (const Case& sequence : task->sequences) {
    PoolCase* pool_case = add(sequence);
    for (CheckedCase& checked : prepared->cases)
      if (checked.pool_case == pool_case) checked.sequence = true;
  }
  fix_cuda_bars(device, settings.libexec, *prepared, pool_cases, plugins, [&](double s) { report(0.3, 0.5, s); });
  std::erase_if(prepared->cases, [](const CheckedCase& checked) { return checked.pool_case->tolerance.empty(); });
  if (prepared->cases.empty()) {
    std::string why;
    for (const std::string& removed : prepared->removed) why += "\n  " + removed;
    throw ConfigError(task->file + ": no case is left that a baseline passes:" + why);
  }
  for (std::size_t w = 0; w < task->workloads.size(); ++w) {
    const Workload& workload = task->workloads[w];
    report(0.5, 1.0, static_cast<double>(w) / static_cast<double>(task->workloads.size()));
    if (workload.hidden || !workload.timed) continue;
    prepared->lane_cases.push_back(lane_case(*task, workload, settings.secret));
    try {
      auto lane = std::make_unique<TimedLane>(device, *task, *prepared->lane_cases.back(), settings.libexec);
      if (lane->calibrate(plugins, prepared->notes))
        prepared->lanes.push_back(std::move(lane));
      else
        prepared->notes.push_back(workload.name + ": no baseline could be timed");
    } catch (const std::length_error& error) {
      prepared->notes.push_back(workload.name + ": not timed: " + error.what());
    }
  }
  if (prepared->lanes.empty()) {
    std::string why;
    for (const std::string& note : prepared->notes) why += "\n  " + note;
    throw ConfigError(task->file + ": workloads: none could be timed:" + why);
  }
  std::vector<PoolCase*> kept;
  for (const CheckedCase& checked : prepared->cases) kept.push_back(checked.pool_case);
  prepared->runner_arena = case_arena_bytes(kept);
  for (const auto& lane : prepared->lanes) {
    prepared->runner_arena =
        std::max(prepared->runner_arena,
                 arena_bytes_for(lane->layout(), kRecordedSets, kChainRedZone) + kRecordedSets * (1u << 20));
    TimedWorkload timed;
    timed.workload = lane->pool_case().workload;
    timed.pool_case = &lane->pool_case();
    timed.mode = TimingMode::chain;
    timed.baseline = lane->baseline_plugin();
    timed.baseline_ns = lane->baseline_ns();
    timed.null_ns = lane->floor_ns();
    timed.between_runner_sd = lane->between_launcher_sd();
    timed.all_ns = lane->all_ns();
    prepared->timed.push_back(std::move(timed));
  }
  prepared->runner_arena += 64u << 10;  // the gate's word lies beyond every case
  return prepared;
}

}  // namespace crucible
