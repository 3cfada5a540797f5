#include "env/backend/cuda/candidate_check.h"

#include <chrono>

#include "env/backend/cuda/candidate_gate.h"
#include "env/judge/bars.h"
#include "sandbox/sealed_memory.h"

namespace crucible {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

constexpr auto kCallDeadline = 2s;
constexpr std::uint32_t kBatch = 30;

class Check {
 public:
  Check(JudgeDevice& device, const CudaPreparedTask& prepared, CandidateRunner& runner, Choice choice,
        Evaluation& evaluation)
      : device_(device),
        prepared_(prepared),
        runner_(runner),
        side_(runner.side()),
        choice_(choice),
        evaluation_(evaluation),
        book_(prepared.cases, evaluation) {}

  CandidateFacts run(const JudgeRequest& request, const CheckPoint& check_point) {
    evaluation_.verdict = Verdict::correct;
    const std::string cubin = read_all(request.artifacts.at(1), 64u << 20);
    const auto* bytes = reinterpret_cast<const std::byte*>(cubin.data());
    facts_.cubin.assign(bytes, bytes + cubin.size());
    const WorkerOutcome loaded = runner_.load(request.artifacts.front(), prepared_.task->name);
    stage("check_start");
    if (!loaded.ok()) {
      const std::optional<Ending> ending = ending_of(loaded);
      const bool refused = !ending || loaded.threw;
      evaluation_.verdict = refused ? Verdict::load_error : ending->verdict;
      evaluation_.explanation = "the artifact did not load: " + (ending ? ending->how : loaded.message);
      facts_.faulted = !refused;
    } else {
      // Awake it spins, so that no wake-up is waited for between calls.
      (void)side_.worker().wake(kCallDeadline);
      check_loaded(check_point);
    }
    runner_.finish();
    evaluation_.output = runner_.output();
    add_findings(evaluation_, runner_.findings());
    book_.close();
    stage("check_end");
    return std::move(facts_);
  }

 private:
  void stage(const char* name) {
    const auto now = Clock::now();
    evaluation_.stage_seconds[name] = std::chrono::duration<double>(now - since_).count();
    since_ = now;
  }

  void check_loaded(const CheckPoint& check_point) {
    const std::size_t hold_word = side_.arena_bytes() - 4096;  // beyond every case
    CaseWorker worker(side_.worker(), CudaOperation::call, side_.arena(), hold_word);
    CandidateCases cases(worker, prepared_.task->symmetry, choice_, book_);
    facts_.faulted = !cases.run(prepared_.cases, check_point);
    stage("check_cases");
    if (evaluation_.verdict != Verdict::correct) return;
    if (const PoolCase* shown = case_for_gate()) {
      const GateOutcome gate = check_deployability(side_, worker, *shown, hold_word, choice_);
      if (gate.ending) return stop(*gate.ending, "while it was shown as production would run it");
      if (!gate.undeployable.empty()) {
        evaluation_.verdict = Verdict::not_deployable;
        evaluation_.explanation = gate.undeployable;
      }
    }
    stage("check_gate");
    if (evaluation_.verdict != Verdict::correct) return;
    for (const auto& lane : prepared_.lanes)
      if (!record(*lane)) return;
    stage("check_record");
  }

  void stop(const Ending& ending, const std::string& place) {
    evaluation_.verdict = ending.verdict;
    evaluation_.explanation = ending.how + " " + place;
    facts_.faulted = true;
  }

  /// The smallest case that is not empty, a timed workload's where there is one.
  const PoolCase* case_for_gate() const {
    const PoolCase* best = nullptr;
    const auto bytes = [](const PoolCase& c) {
      std::size_t sum = 0;
      for (const StorageLayout& s : c.layout.storages) sum += s.bytes;
      return sum;
    };
    for (const CheckedCase& checked : prepared_.cases) {
      const PoolCase& one = *checked.pool_case;
      if (one.empty) continue;
      if (best == nullptr ||
          std::pair(!one.workload->timed, bytes(one)) < std::pair(!best->workload->timed, bytes(*best)))
        best = &one;
    }
    return best;
  }

  /// Deals three sets of a lane into the runner's arena, makes the first, eager call, and records. False when the
  /// runner cannot go on.
  bool record(const TimedLane& lane) {
    const CallLayout& layout = lane.layout();
    std::uint64_t at = 4096;
    std::vector<CrucibleJob> jobs;
    for (std::uint32_t set = 0; set < kRecordedSets; ++set) {
      Slot slot;
      const DeviceHand hand = lane.pool().draw(set, unguessable);
      for (std::size_t s = 0; s < layout.storages.size(); ++s) {
        at += 512 * (1 + unguessable() % 256);
        slot.storages.push_back(at);
        if (layout.storages[s].bytes != 0) {
          CrucibleJob job = {};
          job.kind = CRUCIBLE_JOB_DEAL;
          job.dealt = lane.pool().dealt(s, hand);
          job.target = side_.arena() + at;
          job.target_pitch = job.dealt.width;
          jobs.push_back(job);
        }
        at += (layout.storages[s].bytes + 511) / 512 * 512 + kChainRedZone;
      }
      side_.call(set) = prepare_call(layout, slot, false);
    }
    device_.run(jobs);
    device_.wait();
    const std::string place = "on workload " + lane.pool_case().workload->name;
    const auto ended = [&](const WorkerOutcome& outcome) {
      const std::optional<Ending> ending = ending_of(outcome);
      if (ending) stop(*ending, place);
      return ending.has_value();
    };
    if (ended(side_.perform(0, kCallDeadline))) return false;
    WorkerOutcome outcome;
    LaunchRecord record = side_.record(facts_.cubin, {0, 1, 2}, kCallDeadline, outcome);
    if (ended(outcome)) return false;
    if (outcome.return_code != 0) record.not_replayable = outcome.message;
    facts_.records.push_back(std::move(record));
    std::vector<std::uint32_t> calls(kBatch);
    for (std::uint32_t i = 0; i < kBatch; ++i) calls[i] = i % kRecordedSets;
    std::optional<double> eager_ns;
    for (int round = 0; round < 2; ++round) {
      const CudaWorker::Timed timed = side_.batch(calls, kCallDeadline);
      if (ended(timed.outcome)) return false;
      if (timed.outcome.ok()) eager_ns = static_cast<double>(timed.time.count()) / kBatch;
    }
    facts_.eager_ns.push_back(eager_ns);
    return true;
  }

  JudgeDevice& device_;
  const CudaPreparedTask& prepared_;
  CandidateRunner& runner_;
  RunnerSide& side_;
  Choice choice_;
  Evaluation& evaluation_;
  CaseBook book_;
  CandidateFacts facts_;
  Clock::time_point since_ = Clock::now();
};

}  // namespace

CandidateFacts check_candidate(JudgeDevice& device, const CudaPreparedTask& prepared, CandidateRunner& runner,
                               const JudgeRequest& request, Choice choice, Evaluation& evaluation,
                               const CheckPoint& check_point) {
  Check check(device, prepared, runner, choice, evaluation);
  return check.run(request, check_point);
}

}  // namespace crucible
