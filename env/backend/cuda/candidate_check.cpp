#include "env/backend/cuda/candidate_check.h"

#include <algorithm>
#include <chrono>
#include <set>

#include "env/backend/cuda/case_worker.h"
#include "env/judge/bars.h"
#include "env/judge/verify.h"
#include "sandbox/runner/cuda/cuda_runner_jail.h"
#include "sandbox/sealed_memory.h"
#include "sandbox/warden/jail_process.h"

namespace crucible {
namespace {

using namespace std::chrono_literals;

constexpr auto kReadyDeadline = 20s;
constexpr auto kCallDeadline = 2s;
constexpr std::size_t kChoices = 2;  // entries of a case that a candidate is shown, one after the other
constexpr std::uint32_t kSets = 3;   // sets with different addresses on which a call is recorded
constexpr std::uint32_t kBatch = 30;

class JailedWorker final : public WorkerProcess {
 public:
  explicit JailedWorker(FileDescriptor owner) : jail_(std::move(owner)) { jail_.await_start(); }
  ~JailedWorker() override { jail_.finish(); }
  bool ended() override { return jail_.ended(); }
  std::string finish() override { return to_string(jail_.finish().fate); }
  JailProcess& jail() { return jail_; }

 private:
  JailProcess jail_;
};

std::string where(const PoolCase& pool_case) {
  if (pool_case.workload->hidden) return "on a hidden case of family " + pool_case.family;
  return "on workload " + pool_case.workload->name + ", family " + pool_case.family;
}

class Check {
 public:
  Check(Warden& warden, JudgeDevice& device, const CudaPreparedTask& prepared, const CudaJudgeRequest& request,
        Choice choice, Evaluation& evaluation)
      : device_(device), prepared_(prepared), choice_(choice), evaluation_(evaluation) {
    const std::string cubin = read_all(request.device_code, 64u << 20);
    const auto* bytes = reinterpret_cast<const std::byte*>(cubin.data());
    facts_.cubin.assign(bytes, bytes + cubin.size());
    std::vector<PoolCase*> pool_cases;
    for (const CheckedCase& checked : prepared.cases) pool_cases.push_back(checked.pool_case);
    std::size_t arena = case_arena_bytes(pool_cases);
    for (const auto& lane : prepared.lanes)
      arena = std::max(arena, arena_bytes_for(lane->layout(), kSets, kChainRedZone) + kSets * (1u << 20));
    runner_ = std::make_unique<RunnerSide>(device, arena, kSets, [&](const WorkerControl& control, int area) {
      const int passed[] = {control.descriptor(), area, request.artifact};
      auto process =
          std::make_unique<JailedWorker>(warden.start_jail(cuda_runner_spec(prepared.task->name, {}), passed));
      jail_ = process.get();
      return process;
    });
  }

  CandidateFacts run(const CheckPoint& check_point) {
    evaluation_.verdict = Verdict::correct;
    collect_families();
    const WorkerOutcome ready = runner_->wait_ready(kReadyDeadline);
    if (!ready.ok()) {
      evaluation_.verdict = ready.status == WorkerOutcome::Status::timed_out ? Verdict::timed_out
                            : ready.status == WorkerOutcome::Status::ended   ? Verdict::crashed
                                                                             : Verdict::load_error;
      evaluation_.explanation = "the artifact did not load: " + ready.message;
    } else {
      CaseWorker cases(runner_->worker(), CudaOperation::call, runner_->arena(), runner_->arena_bytes());
      run_cases(cases, check_point);
      if (evaluation_.verdict == Verdict::correct) check_graph(cases);
      if (evaluation_.verdict == Verdict::correct) record_lanes();
    }
    finish();
    return std::move(facts_);
  }

 private:
  void collect_families() {
    std::set<std::string> informative;
    for (const CheckedCase& checked : prepared_.cases) {
      FamilyOutcome& family = families_[checked.pool_case->family];
      family.family = checked.pool_case->family;
      family.counted = family.counted && checked.pool_case->counted;
      if (!checked.pool_case->empty) informative.insert(family.family);
      ++family.cases;
    }
    for (auto& [name, family] : families_) family.counted = family.counted && informative.contains(name);
  }

  /// False when the runner cannot go on; sets the verdict then.
  bool survived(const WorkerOutcome& outcome, const std::string& place) {
    if (outcome.status == WorkerOutcome::Status::timed_out) {
      evaluation_.verdict = Verdict::timed_out;
      evaluation_.explanation = "a call did not end within its deadline " + place;
    } else if (outcome.status == WorkerOutcome::Status::ended) {
      evaluation_.verdict = Verdict::crashed;
      evaluation_.explanation = "the kernel's process was " + outcome.message + " " + place;
    } else if (outcome.threw) {
      // Either an exception of the candidate's, or the device's answer to what it did (an illegal address is sticky).
      evaluation_.verdict = Verdict::crashed;
      evaluation_.explanation = outcome.message + " " + place;
    } else {
      return true;
    }
    return false;
  }

  void fail(const PoolCase& pool_case, const std::string& why) {
    const bool hidden = pool_case.workload->hidden;
    CaseFailure failure{hidden ? "" : pool_case.workload->name, pool_case.family,
                        hidden ? "the result is wrong " + where(pool_case) : why + " " + where(pool_case), hidden};
    auto [at, fresh] = failures_.emplace(pool_case.family, failure);
    if (!fresh && at->second.hidden && !hidden) at->second = failure;  // a public case says more
    evaluation_.verdict = prevailing(evaluation_.verdict, Verdict::wrong_result);
  }

  void run_cases(CaseWorker& cases, const CheckPoint& check_point) {
    std::vector<std::size_t> order(prepared_.cases.size());
    for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
    for (std::size_t i = order.size(); i > 1; --i) std::swap(order[i - 1], order[choice_.below(i)]);
    std::size_t done = 0;
    for (const std::size_t index : order) {
      if (check_point) check_point(static_cast<double>(done++) / static_cast<double>(order.size()));
      const CheckedCase& checked = prepared_.cases[index];
      const PoolCase& pool_case = *checked.pool_case;
      std::string wrong;
      const std::size_t first = choice_.below(pool_case.entries.size());
      for (std::size_t k = 0; k < kChoices && wrong.empty(); ++k) {
        const Hand hand = draw_hand(pool_case, prepared_.task->symmetry, first + k, choice_);
        const CudaCaseOutcome outcome = cases.run(pool_case, hand, choice_, kCallDeadline);
        if (!survived(outcome.call, where(pool_case))) return;
        if (outcome.call.return_code != 0)
          wrong = "the kernel returned " + std::to_string(outcome.call.return_code);
        else if (outcome.stray)
          wrong = "it changed " + outcome.stray->what;
        else
          wrong = reject(pool_case, hand.entry, *outcome.outputs);
      }
      if (wrong.empty() && checked.sequence) {
        WorkerOutcome outcome;
        wrong = cases.run_sequence(pool_case, first, choice_, kCallDeadline, outcome);
        if (!survived(outcome, where(pool_case))) return;
        if (!wrong.empty()) wrong = "when one call's output is the next one's input: " + wrong;
      }
      if (wrong.empty())
        ++families_[pool_case.family].passed;
      else
        fail(pool_case, wrong);
    }
  }

  void undeployable(const std::string& why) {
    evaluation_.verdict = Verdict::not_deployable;
    evaluation_.explanation = why;
  }

  /// As production does: one call captured into a graph, replayed on other contents in the same buffers.
  void check_graph(CaseWorker& cases) {
    const CheckedCase* smallest = nullptr;
    for (const CheckedCase& checked : prepared_.cases)
      if (!checked.pool_case->empty && checked.pool_case->entries.size() >= 2 &&
          (smallest == nullptr || (checked.pool_case->workload->timed && !smallest->pool_case->workload->timed)))
        smallest = &checked;
    if (smallest == nullptr) return;
    const PoolCase& pool_case = *smallest->pool_case;
    const Hand first = draw_hand(pool_case, Symmetry::none, 0, choice_);
    const Hand second = draw_hand(pool_case, Symmetry::none, 1, choice_);
    const CudaCaseOutcome outcome = cases.run_graph(pool_case, first, second, choice_, kCallDeadline);
    if (outcome.call.status != WorkerOutcome::Status::done) {
      (void)survived(outcome.call, "in a CUDA graph");
      return;
    }
    if (!outcome.call.ok())
      return undeployable("a call cannot be captured into a CUDA graph: " +
                          (outcome.call.message.empty() ? "it returned " + std::to_string(outcome.call.return_code)
                                                        : outcome.call.message));
    if (outcome.stray) return undeployable("replayed from a CUDA graph it changes " + outcome.stray->what);
    if (std::string wrong = reject(pool_case, second.entry, *outcome.outputs); !wrong.empty())
      undeployable("replayed from a CUDA graph on new contents it is wrong: " + wrong);
  }

  /// Deals three sets of a lane into the runner's arena, makes the first, eager call, and records.
  void record_lanes() {
    for (const auto& lane : prepared_.lanes) {
      const CallLayout& layout = lane->layout();
      std::uint64_t at = 4096;
      std::vector<CrucibleJob> jobs;
      for (std::uint32_t set = 0; set < kSets; ++set) {
        Slot slot;
        const DeviceHand hand = lane->pool().draw(set, unguessable);
        for (std::size_t s = 0; s < layout.storages.size(); ++s) {
          at += 512 * (1 + unguessable() % 256);
          slot.storages.push_back(at);
          if (layout.storages[s].bytes != 0) {
            CrucibleJob job = {};
            job.kind = CRUCIBLE_JOB_DEAL;
            job.dealt = lane->pool().dealt(s, hand);
            job.target = runner_->arena() + at;
            job.target_pitch = job.dealt.width;
            jobs.push_back(job);
          }
          at += (layout.storages[s].bytes + 511) / 512 * 512 + kChainRedZone;
        }
        runner_->call(set) = prepare_call(layout, slot, false);
      }
      device_.run(jobs);
      device_.wait();
      const std::string place = "on workload " + lane->pool_case().workload->name;
      const WorkerOutcome eager = runner_->perform(0, kCallDeadline);
      if (!survived(eager, place)) return;
      WorkerOutcome outcome;
      LaunchRecord record = runner_->record(facts_.cubin, {0, 1, 2}, kCallDeadline, outcome);
      if (!survived(outcome, place)) return;
      if (outcome.return_code != 0) record.not_replayable = outcome.message;
      facts_.records.push_back(std::move(record));
      std::vector<std::uint32_t> calls(kBatch);
      for (std::uint32_t i = 0; i < kBatch; ++i) calls[i] = i % kSets;
      std::optional<double> eager_ns;
      for (int round = 0; round < 2; ++round) {
        const CudaWorker::Timed timed = runner_->batch(calls, kCallDeadline);
        if (!survived(timed.outcome, place)) return;
        if (timed.outcome.ok()) eager_ns = static_cast<double>(timed.time.count()) / kBatch;
      }
      facts_.eager_ns.push_back(eager_ns);
    }
  }

  void finish() {
    runner_->worker().process().finish();
    evaluation_.output = jail_->jail().output();
    for (const JailFinding& finding : jail_->jail().findings())
      evaluation_.findings.push_back({finding.kind, finding.evidence, finding.conclusive});
    for (auto& [name, family] : families_) evaluation_.families.push_back(family);
    for (auto& [family, failure] : failures_) evaluation_.failures.push_back(failure);
    std::stable_sort(evaluation_.failures.begin(), evaluation_.failures.end(),
                     [](const CaseFailure& a, const CaseFailure& b) { return a.hidden < b.hidden; });
    if (evaluation_.verdict == Verdict::wrong_result && !evaluation_.failures.empty())
      evaluation_.explanation = evaluation_.failures.front().explanation;
  }

  JudgeDevice& device_;
  const CudaPreparedTask& prepared_;
  Choice choice_;
  Evaluation& evaluation_;
  CandidateFacts facts_;
  std::unique_ptr<RunnerSide> runner_;
  JailedWorker* jail_ = nullptr;  // owned by the runner
  std::map<std::string, FamilyOutcome> families_;
  std::map<std::string, CaseFailure> failures_;
};

}  // namespace

CandidateFacts check_candidate(Warden& warden, JudgeDevice& device, const CudaPreparedTask& prepared,
                               const CudaJudgeRequest& request, Choice choice, Evaluation& evaluation,
                               const CheckPoint& check_point) {
  Check check(warden, device, prepared, request, choice, evaluation);
  return check.run(check_point);
}

}  // namespace crucible
