#include "env/backend/cpu/calibrate.h"

#include <algorithm>
#include <cmath>

#include "env/backend/cpu/wake.h"
#include "env/judge/case_run.h"
#include "reward/speedup.h"

namespace crucible {
namespace {

using namespace std::chrono_literals;

constexpr auto kDeadline = 10s;
constexpr double kIntervalFrom = 1e6;   // ns on one thread: from here on all cores, one call per interval
constexpr double kChainTarget = 2.5e6;  // ns of kernel time in one chain
constexpr int kMaxCalls = 200;
constexpr int kMinCalls = 3;
constexpr int kRounds = 4;
constexpr int kFreshRunners = 3;
constexpr int kChainsPerRunner = 5;
constexpr std::size_t kPoolBytes = 24u << 20;
constexpr std::size_t kMaxEntries = 64;

/// A neighbour on the machine only ever slows: the fastest of a few is what a quiet machine does.
double quiet(const std::vector<double>& values) { return *std::min_element(values.begin(), values.end()); }

/// A fresh, ready and stopped runner of a baseline; null when it does not start.
std::unique_ptr<RunnerSession> open(Warden& warden, const Machine& machine, const PreparedTask& prepared,
                                    const BaselinePlugin& plugin, TimingMode mode, std::size_t arena_bytes, int sets) {
  const Kernel kernel{plugin.name, prepared.task->name, -1, plugin.path, RunnerProfile::baseline};
  auto session = std::make_unique<RunnerSession>(warden, kernel, arena_bytes, static_cast<std::size_t>(sets),
                                                 cpus_for(machine, mode), 0);
  if (session->wait_ready(kDeadline).status != CallOutcome::Status::done) return nullptr;
  return session;
}

/// Fastest time per call over `rounds` chains after one that warms up; negative when the baseline misbehaves.
std::optional<double> time_chains(RunnerSession& session, const TimedWorkload& timed, Symmetry symmetry,
                                  const ChainShape& shape, Choice choice, int rounds, Crew& crew) {
  ChainClock clock(session, *timed.pool_case, symmetry, shape, choice, crew);
  std::vector<double> ns;
  for (int i = 0; i <= rounds; ++i) {
    const ChainOutcome outcome = clock.run(kDeadline, WakeAllowance::kUncharged);
    if (outcome.call.status != CallOutcome::Status::done || outcome.call.return_code != 0 || !outcome.wrong.empty())
      return std::nullopt;
    if (i > 0) ns.push_back(outcome.total_ns / outcome.calls);
  }
  return quiet(ns);
}

}  // namespace

ChainShape chain_shape(TimingMode mode, double call_ns) {
  ChainShape shape;
  if (mode == TimingMode::interval) {
    shape.parked = true;
    shape.calls = 1;
    shape.sets = 3;
    return shape;
  }
  shape.calls = std::clamp(static_cast<int>(kChainTarget / std::max(call_ns, 1.0)), kMinCalls, kMaxCalls);
  shape.sets = shape.calls + std::max(4, shape.calls / 8);
  return shape;
}

std::size_t chain_arena_bytes(const CallLayout& layout, const ChainShape& shape) {
  return arena_bytes_for(layout, static_cast<std::size_t>(shape.sets), kCaseRedZone);
}

std::size_t timed_entries(const CallLayout& layout) {
  std::size_t bytes = 1;
  for (const StorageLayout& storage : layout.storages) bytes += storage.bytes;
  return std::clamp(kPoolBytes / (4 * bytes), std::size_t{3}, kMaxEntries);
}

const std::vector<int>& cpus_for(const Machine& machine, TimingMode mode) {
  return mode == TimingMode::reveal ? machine.timed_cpus : machine.cpus;
}

bool calibrate(Warden& warden, const Machine& machine, const PreparedTask& prepared, TimedWorkload& timed,
               const std::vector<BaselinePlugin>& admitted, Choice choice) {
  const Symmetry symmetry = prepared.task->symmetry;
  const CallLayout& layout = timed.pool_case->layout;
  // A first look on one core decides the mode for both sides.
  ChainShape probe;
  probe.calls = kMinCalls;
  probe.sets = kMinCalls + 1;
  std::optional<double> best;
  for (const BaselinePlugin& plugin : admitted) {
    if (machine.judge_cpu < 0) break;
    auto session =
        open(warden, machine, prepared, plugin, TimingMode::reveal, chain_arena_bytes(layout, probe), probe.sets);
    if (!session) continue;
    if (auto ns = time_chains(*session, timed, symmetry, probe, choice, 2, *machine.crew))
      best = std::min(best.value_or(*ns), *ns);
  }
  timed.mode = best && *best < kIntervalFrom ? TimingMode::reveal : TimingMode::interval;
  const ChainShape shape = chain_shape(timed.mode, best.value_or(kIntervalFrom));
  const std::size_t bytes = chain_arena_bytes(layout, shape);
  best.reset();
  for (const BaselinePlugin& plugin : admitted) {
    auto session = open(warden, machine, prepared, plugin, timed.mode, bytes, shape.sets);
    if (!session) continue;
    const std::optional<double> ns = time_chains(*session, timed, symmetry, shape, choice, kRounds, *machine.crew);
    if (!ns) continue;
    timed.all_ns[plugin.name] = *ns;
    if (!best || *ns < *best) {
      best = ns;
      timed.baseline = plugin;
    }
  }
  if (!best) return false;
  // Fresh runners of the fastest: what a runner's memory layout and clock do to the same code.
  std::vector<double> nulls, logs;
  for (int r = 0; r < kFreshRunners; ++r) {
    auto session = open(warden, machine, prepared, timed.baseline, timed.mode, bytes, shape.sets);
    if (!session) continue;
    choice.next();
    ChainClock clock(*session, *timed.pool_case, symmetry, shape, choice, *machine.crew);
    std::vector<double> ns;
    for (int i = 0; i < kChainsPerRunner; ++i) {
      const ChainOutcome null = clock.run_null(kDeadline);
      if (null.call.status == CallOutcome::Status::done) nulls.push_back(null.total_ns / shape.calls);
      const ChainOutcome outcome = clock.run(kDeadline, WakeAllowance::kUncharged);
      if (outcome.call.status == CallOutcome::Status::done && outcome.calls > 0)
        ns.push_back(outcome.total_ns / outcome.calls);
    }
    if (ns.empty()) return false;
    logs.push_back(std::log(quiet(ns)));
  }
  if (nulls.empty() || logs.empty()) return false;
  timed.null_ns = quiet(nulls);
  for (auto& [name, ns] : timed.all_ns) ns = std::max(ns - timed.null_ns, 1.0);
  timed.baseline_ns = std::max(std::exp(quiet(logs)) - timed.null_ns, 1.0);
  timed.between_runner_sd = between_runner_sd(logs);
  return true;
}

}  // namespace crucible
