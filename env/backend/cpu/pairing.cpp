#include "env/backend/cpu/pairing.h"

#include <algorithm>
#include <map>
#include <tuple>

#include "env/backend/cpu/calibrate.h"
#include "env/backend/cpu/wake.h"
#include "env/judge/runner_end.h"

namespace crucible {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

constexpr int kRunnersPerSide = 2;
constexpr std::uint64_t kPairsOfFirstLook = 4;
constexpr auto kReadyDeadline = 10s;
constexpr int kEarlyRepliesThatConvict = 3;
constexpr double kSlowBaseline = 1.03;   // against its own calibration: measured again with the candidate dead
constexpr double kMaxPairSeconds = 0.5;  // a candidate slower than this per chain gets shorter chains

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const std::size_t n = values.size();
  return n % 2 == 1 ? values[n / 2] : (values[n / 2 - 1] + values[n / 2]) / 2;
}

/// All runners of one timing, by kernel, mode and number; started on demand, each with one arena for all its workloads.
class Runners {
 public:
  Runners(Warden& warden, const Machine& machine, const PreparedTask& prepared)
      : warden_(warden), machine_(machine), prepared_(prepared) {}

  /// Starts without waiting.
  void start(const Kernel& kernel, TimingMode mode, std::uint32_t number) {
    std::unique_ptr<RunnerSession>& session = sessions_[{kernel.name, mode, number}];
    if (session) return;
    std::size_t bytes = 0, sets = 0;
    for (const TimedWorkload& timed : prepared_.timed) {
      if (timed.mode != mode) continue;
      const ChainShape shape = chain_shape(mode, timed.baseline_ns);
      bytes = std::max(bytes, chain_arena_bytes(timed.pool_case->layout, shape));
      sets = std::max(sets, static_cast<std::size_t>(shape.sets));
    }
    session = std::make_unique<RunnerSession>(warden_, kernel, bytes, sets, cpus_for(machine_, mode), number);
  }

  CallOutcome wait_all(const std::string& name) {
    for (auto& [key, session] : sessions_) {
      if (std::get<0>(key) != name) continue;
      const CallOutcome outcome = session->wait_ready(kReadyDeadline);
      if (outcome.status == CallOutcome::Status::ended && outcome.message.empty()) own_end(*session);
      if (outcome.status != CallOutcome::Status::done) return outcome;
    }
    return {};
  }

  RunnerSession& get(const std::string& name, TimingMode mode, std::uint32_t number) {
    return *sessions_.at({name, mode, number});
  }

  /// Kills every runner of `name`; appends what their jails saw.
  void finish(const std::string& name, std::vector<IntegrityFinding>* findings) {
    for (auto& [key, session] : sessions_) {
      if (std::get<0>(key) != name || !session) continue;
      session->finish();
      if (findings != nullptr)
        for (const JailFinding& found : session->findings())
          findings->push_back({found.kind, found.evidence, found.conclusive});
    }
  }

 private:
  Warden& warden_;
  const Machine& machine_;
  const PreparedTask& prepared_;
  std::map<std::tuple<std::string, TimingMode, std::uint32_t>, std::unique_ptr<RunnerSession>> sessions_;
};

/// An unpaid chain on another family of a timed workload, in a timed runner: a kernel that tells timed runners from
/// checked ones must still be right on everything.
struct Inspection {
  const PoolCase* pool_case;
  int runner;
  int before_pair;
};

/// One workload being timed: its chains per side and runner, and the pairs so far.
struct Lane {
  const TimedWorkload* timed = nullptr;
  ChainShape shape;
  double null_ns = 0;
  std::vector<std::unique_ptr<ChainClock>> candidate, baseline;
  std::vector<Inspection> inspections;
  WorkloadTiming result;
};

/// Judges a candidate's chain; true when it may go on.
bool accept_chain(const ChainOutcome& outcome, RunnerSession& session, const Lane& lane, TimingOutcome& result,
                  int& early_replies) {
  const std::string where = " on workload " + lane.result.name + " while it was timed";
  auto end = [&](Verdict verdict, const std::string& explanation) {
    result.verdict = verdict;
    result.explanation = explanation;
    return false;
  };
  if (outcome.call.status == CallOutcome::Status::timed_out)
    return end(Verdict::timed_out, "a call exceeded its deadline" + where);
  if (outcome.call.status == CallOutcome::Status::ended)
    return end(Verdict::crashed, "the kernel's process ended" + where + ": " + to_string(own_end(session)));
  if (outcome.call.threw)
    return end(Verdict::crashed, "an exception left the kernel" + where + ": " + outcome.call.message);
  if (outcome.decoy_written) {
    result.findings.push_back({"decoy_written", "a set that was never called was written" + where, true});
    return end(Verdict::integrity_violation, result.findings.back().evidence);
  }
  early_replies += outcome.early_replies;
  if (outcome.early_replies > 0) {
    const bool convicts = early_replies >= kEarlyRepliesThatConvict;
    result.findings.push_back({"early_reply",
                               std::to_string(outcome.early_replies) + " of " + std::to_string(outcome.calls) +
                                   " calls returned before their output was final" + where,
                               convicts});
    return end(convicts ? Verdict::integrity_violation : Verdict::wrong_result, result.findings.back().evidence);
  }
  if (outcome.call.return_code != 0)
    return end(Verdict::wrong_result, "the kernel returned " + std::to_string(outcome.call.return_code) + where);
  if (!outcome.wrong.empty()) return end(Verdict::wrong_result, outcome.wrong + where);
  if (!outcome.stray.empty()) return end(Verdict::wrong_result, "it changed " + outcome.stray + where);
  return true;
}

}  // namespace

TimingOutcome time_candidate(Warden& warden, const Machine& machine, const PreparedTask& prepared, const Kernel& kernel,
                             const TimingSettings& settings, Choice choice, const CheckPoint& check_point) {
  TimingOutcome result;
  const auto begin = Clock::now();
  const Symmetry symmetry = prepared.task->symmetry;
  Runners runners(warden, machine, prepared);
  auto baseline_kernel = [&](const TimedWorkload& timed) {
    return Kernel{timed.baseline.name, prepared.task->name, -1, timed.baseline.path, RunnerProfile::baseline};
  };
  for (const TimedWorkload& timed : prepared.timed)
    for (std::uint32_t r = 0; r < kRunnersPerSide; ++r) {
      runners.start(kernel, timed.mode, r);
      runners.start(baseline_kernel(timed), timed.mode, r);
    }
  auto ended = [&](const CallOutcome& outcome) {
    result.verdict = outcome.status == CallOutcome::Status::timed_out ? Verdict::timed_out : Verdict::crashed;
    result.explanation = "a fresh process of the kernel did not start again: " + outcome.message;
  };
  if (const CallOutcome ready = runners.wait_all(kernel.name); ready.status != CallOutcome::Status::done) {
    ended(ready);
    runners.finish(kernel.name, &result.findings);
    return result;
  }
  std::vector<Lane> lanes(prepared.timed.size());
  for (std::size_t i = 0; i < lanes.size(); ++i) {
    Lane& lane = lanes[i];
    lane.timed = &prepared.timed[i];
    lane.shape = chain_shape(lane.timed->mode, lane.timed->baseline_ns);
    lane.result.name = lane.timed->workload->name;
    lane.result.dtype = std::string(to_string(lane.timed->workload->dtype));
    lane.result.axes = lane.timed->workload->axes;
    lane.result.count = lane.timed->workload->count;
    lane.result.baseline = lane.timed->baseline.name;
    lane.result.mode = lane.timed->mode;
    lane.result.roof_ns = lane.timed->roof_ns;
    lane.result.between_runner_sd = lane.timed->between_runner_sd;
    if (runners.wait_all(lane.timed->baseline.name).status != CallOutcome::Status::done) {
      result.baseline_failed = true;
      return result;
    }
  }
  int early_replies = 0;
  WakeAllowance waking;
  std::chrono::nanoseconds allowance = waking.now();  // of the pair being taken
  auto run_candidate = [&](Lane& lane, int r) -> std::optional<double> {
    RunnerSession& session = runners.get(kernel.name, lane.timed->mode, static_cast<std::uint32_t>(r));
    const ChainOutcome outcome = lane.candidate[static_cast<std::size_t>(r)]->run(settings.call_deadline, allowance);
    result.kernel_seconds += outcome.total_ns * 1e-9;
    if (!accept_chain(outcome, session, lane, result, early_replies)) return std::nullopt;
    return outcome.total_ns / outcome.calls;
  };
  auto inspect = [&](Lane& lane, const Inspection& inspection) {
    RunnerSession& session = runners.get(kernel.name, lane.timed->mode, static_cast<std::uint32_t>(inspection.runner));
    ChainClock chain(session, *inspection.pool_case, symmetry, lane.shape, Choice(choice.next()), *machine.crew);
    return accept_chain(chain.run(settings.call_deadline, allowance), session, lane, result, early_replies) &&
           run_candidate(lane, inspection.runner).has_value();  // unpaid: the inspection left the runner cold
  };
  auto run_baseline = [&](Lane& lane, int r) -> std::optional<double> {
    const ChainOutcome outcome = lane.baseline[static_cast<std::size_t>(r)]->run(settings.call_deadline, allowance);
    if (outcome.call.status == CallOutcome::Status::done) waking.saw(outcome.wake);
    result.kernel_seconds += outcome.total_ns * 1e-9;
    if (outcome.call.status != CallOutcome::Status::done || outcome.calls == 0 || !outcome.wrong.empty()) {
      result.baseline_failed = true;
      result.explanation = lane.timed->baseline.name + " on workload " + lane.result.name + ": " +
                           (!outcome.wrong.empty()                                  ? outcome.wrong
                            : outcome.call.status == CallOutcome::Status::timed_out ? "a call exceeded its deadline"
                            : outcome.call.status == CallOutcome::Status::ended     ? "its process ended"
                                                                                    : "no call was made");
      return std::nullopt;
    }
    return outcome.total_ns / outcome.calls;
  };

  // First chains, unpaid: caches, page tables and branch predictors of every runner, and how slow the candidate is.
  for (Lane& lane : lanes) {
    auto build = [&] {
      lane.candidate.clear();
      lane.baseline.clear();
      for (int r = 0; r < kRunnersPerSide; ++r) {
        const auto number = static_cast<std::uint32_t>(r);
        lane.candidate.push_back(std::make_unique<ChainClock>(runners.get(kernel.name, lane.timed->mode, number),
                                                              *lane.timed->pool_case, symmetry, lane.shape,
                                                              Choice(choice.next()), *machine.crew));
        lane.baseline.push_back(std::make_unique<ChainClock>(
            runners.get(lane.timed->baseline.name, lane.timed->mode, number), *lane.timed->pool_case, symmetry,
            lane.shape, Choice(choice.next()), *machine.crew));
      }
    };
    const ChainShape full = lane.shape;
    if (lane.timed->mode == TimingMode::reveal) {
      lane.shape.calls = std::min(full.calls, 3);
      lane.shape.sets = std::min(full.sets, 5);
      build();
      double slowest = 0;
      for (int r = 0; r < kRunnersPerSide; ++r) {
        const std::optional<double> ns = run_candidate(lane, r);
        if (!ns) break;
        slowest = std::max(slowest, *ns);
      }
      lane.shape = full;
      if (slowest * full.calls > kMaxPairSeconds * 1e9) {
        lane.shape.calls = std::clamp(static_cast<int>(kMaxPairSeconds * 1e9 / slowest), 1, full.calls);
        lane.shape.sets = lane.shape.calls + 4;
      }
    }
    if (result.verdict) break;
    build();
    for (const CheckedCase& checked : prepared.cases)
      if (checked.pool_case->workload == lane.timed->workload && checked.pool_case != lane.timed->pool_case)
        for (int r = 0; r < kRunnersPerSide; ++r)
          lane.inspections.push_back({checked.pool_case, r, static_cast<int>(choice.below(kPairsOfFirstLook))});
    // Both sides alike: the first whole chain of a runner is 10 to 20 % slower than all that follow. The baseline's is
    // followed by one of null steps.
    std::vector<double> nulls;
    for (int r = 0; r < kRunnersPerSide && !result.verdict && !result.baseline_failed; ++r) {
      const ChainOutcome null = lane.baseline[static_cast<std::size_t>(r)]->run_null(settings.call_deadline);
      if (null.call.status == CallOutcome::Status::done) nulls.push_back(null.total_ns / lane.shape.calls);
      run_candidate(lane, r);
    }
    lane.null_ns = nulls.empty() ? lane.timed->null_ns : *std::min_element(nulls.begin(), nulls.end());
  }

  const std::vector<int>& looks = settings.interval.looks;
  for (std::size_t look = 0; look < looks.size() && !result.verdict && !result.baseline_failed; ++look) {
    for (Lane& lane : lanes) {
      for (int pair = look == 0 ? 0 : looks[look - 1]; pair < looks[look]; ++pair) {
        if (check_point) check_point(static_cast<double>(look) / static_cast<double>(looks.size()));
        bool inspected = true;
        for (const Inspection& inspection : lane.inspections)
          if (inspection.before_pair == pair && inspected) inspected = inspect(lane, inspection);
        if (!inspected) break;
        allowance = waking.now();
        const int c = pair % kRunnersPerSide;
        const int b = (pair / kRunnersPerSide + pair) % kRunnersPerSide;
        std::optional<double> candidate_ns, baseline_ns;
        if (choice.coin()) {
          candidate_ns = run_candidate(lane, c);
          if (candidate_ns) baseline_ns = run_baseline(lane, b);
        } else {
          baseline_ns = run_baseline(lane, b);
          if (baseline_ns) candidate_ns = run_candidate(lane, c);
        }
        if (!candidate_ns || !baseline_ns) break;
        // A time that is not positive stays what it is: the interval drops such pairs, it does not take them for speed.
        lane.result.pairs.push_back({*candidate_ns - lane.null_ns, *baseline_ns - lane.null_ns,
                                     static_cast<std::uint32_t>(c), static_cast<std::uint32_t>(b)});
      }
      if (result.verdict || result.baseline_failed) break;
    }
    if (result.verdict || result.baseline_failed) break;
    std::vector<WorkloadTiming> timings;
    for (Lane& lane : lanes) timings.push_back(lane.result);
    const std::optional<LookOutcome> seen =
        look_at(timings, static_cast<int>(look), settings.interval, settings.stopping);
    if (seen) result.speedup = seen->interval.speedup;
    result.workloads = std::move(timings);
    const double spent = std::chrono::duration<double>(Clock::now() - begin).count();
    if (look + 1 == looks.size() || (seen && seen->enough)) break;
    const double growth = static_cast<double>(looks[look + 1]) / static_cast<double>(looks[look]);
    const bool time_left = spent * growth <= settings.budget_seconds;
    if (!time_left) break;
  }
  runners.finish(kernel.name, &result.findings);
  if (result.verdict || result.baseline_failed || !result.speedup) return result;

  // A baseline that ran slower than it can is measured again with the candidate dead; the faster figure counts.
  bool changed = false;
  for (std::size_t i = 0; i < lanes.size(); ++i) {
    Lane& lane = lanes[i];
    std::vector<double> ns;
    for (const TimedPair& pair : lane.result.pairs) ns.push_back(pair.baseline_ns);
    const double seen = median(ns);
    const double tolerated = std::max(kSlowBaseline, 1 + 4 * lane.timed->between_runner_sd);
    if (seen <= tolerated * lane.timed->baseline_ns) continue;
    std::vector<double> again;
    for (int r = 0; r < 2 * kRunnersPerSide; ++r)
      if (auto chain = run_baseline(lane, r % kRunnersPerSide)) again.push_back(*chain - lane.null_ns);
    if (again.empty() || median(again) * tolerated >= seen) continue;
    const double factor = median(again) / seen;
    for (TimedPair& pair : result.workloads[i].pairs) pair.baseline_ns *= factor;
    changed = true;
  }
  if (changed) {
    const auto look =
        static_cast<int>(std::find_if(looks.begin(), looks.end(),
                                      [&](int n) { return n >= static_cast<int>(result.workloads[0].pairs.size()); }) -
                         looks.begin());
    result.speedup = estimate_speedup(result.workloads, look, settings.interval);
  }
  return result;
}

}  // namespace crucible
