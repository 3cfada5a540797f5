#include "env/backend/cuda/judge.h"

#include <algorithm>
#include <chrono>
#include <thread>
#include <utility>

#include "env/backend/cuda/declared_check.h"
#include "env/backend/cuda/gpu_lock.h"
#include "env/backend/cuda/prepare.h"
#include "env/backend/cuda/timing.h"
#include "env/judge/case_book.h"
#include "sandbox/sealed_memory.h"

namespace crucible {
namespace {

using Clock = std::chrono::steady_clock;
using namespace std::chrono_literals;

constexpr std::size_t kMaxPlan = 4u << 20;  // a shared object is read so far in vain, which costs little
constexpr auto kHealthPatience = 3s;
constexpr auto kStandingPatience = 2s;  // contexts that are being made disturb what is timed

constexpr std::size_t kRoomForTask = 36ull << 30;  // launchers of one task, with their areas and contexts

double seconds_since(Clock::time_point begin) { return std::chrono::duration<double>(Clock::now() - begin).count(); }

}  // namespace

CudaPreparedTask::CudaPreparedTask() = default;
CudaPreparedTask::~CudaPreparedTask() = default;

CudaJudge::CudaJudge(std::shared_ptr<Warden> warden, CudaJudgeSettings settings)
    : warden_(std::move(warden)),
      settings_(std::move(settings)),
      device_(settings_.device),
      uuid_(device_.context().uuid()),
      health_(device_),
      telemetry_(uuid_) {}

CudaJudge::~CudaJudge() = default;

void CudaJudge::make_room(const std::string& but) {
  std::size_t free = 0, total = 0;
  for (auto other = prepared_.begin(); other != prepared_.end();) {
    CRUCIBLE_CUDA(cuMemGetInfo, &free, &total);
    if (free >= kRoomForTask) return;
    other = other->first == but ? std::next(other) : prepared_.erase(other);
  }
}

CudaPreparedTask& CudaJudge::ready(const std::shared_ptr<const Task>& task, const CheckPoint& check_point) {
  std::unique_ptr<CudaPreparedTask>& prepared = prepared_[task->file];
  if (!prepared) {
    GpuLock lock(uuid_, check_point);
    make_room(task->file);
    prepared = prepare_cuda_task(device_, settings_, task, check_point);
    stand_by(*prepared);
  }
  return *prepared;
}

void CudaJudge::stand_by(CudaPreparedTask& prepared) {
  for (const auto& lane : prepared.lanes) lane->stand_by();
  while (prepared.runners.size() < kCandidatesAhead)
    prepared.runners.push_back(std::make_unique<CandidateRunner>(*warden_, device_, prepared.runner_arena));
  while (prepared.launchers_wanted && prepared.launchers.size() < kCandidatesAhead)
    prepared.launchers.push_back(std::make_unique<CaseLauncher>(device_, settings_.libexec, prepared.runner_arena));
}

void CudaJudge::await_standing(CudaPreparedTask& prepared) {
  const auto until = Clock::now() + kStandingPatience;
  const auto all = [&] {
    return std::all_of(prepared.runners.begin(), prepared.runners.end(), [](auto& r) { return r->settled(); }) &&
           std::all_of(prepared.lanes.begin(), prepared.lanes.end(), [](auto& lane) { return lane->settled(); });
  };
  while (!all() && Clock::now() < until) std::this_thread::sleep_for(200us);
}

CandidateFacts CudaJudge::check(CudaPreparedTask& prepared, const JudgeRequest& request, Choice choice,
                                Evaluation& evaluation, const CheckPoint& check_point) {
  if (const std::optional<DeclaredPlan> plan = unpack_plan(read_all(request.artifacts.front(), kMaxPlan))) {
    if (prepared.launchers.empty())
      prepared.launchers.push_back(std::make_unique<CaseLauncher>(device_, settings_.libexec, prepared.runner_arena));
    const std::unique_ptr<CaseLauncher> launcher = std::move(prepared.launchers.front());
    prepared.launchers.pop_front();
    prepared.launchers_wanted = true;
    return check_declared(device_, prepared, *launcher, *plan, request, std::move(choice), evaluation, check_point);
  }
  const std::unique_ptr<CandidateRunner> runner = std::move(prepared.runners.front());
  prepared.runners.pop_front();
  return check_candidate(device_, prepared, *runner, request, std::move(choice), evaluation, check_point);
}

Evaluation CudaJudge::judge(const JudgeRequest& request, const CheckPoint& check_point) {
  if (request.artifacts.size() < 2) throw std::runtime_error("an evaluation came without its two artifacts");
  CudaPreparedTask& prepared = ready(request.task, {});
  Evaluation evaluation;
  evaluation.task = prepared.task->name;
  evaluation.seed = request.seed;
  const auto choice = [&](const char* purpose) {
    return Choice(derive_key(
        settings_.secret, {prepared.task->name, purpose, std::to_string(request.seed), std::to_string(request.turn)}));
  };
  GpuLock lock(uuid_, check_point);
  spent_.clear();  // of a candidate that was given up
  served_ = nullptr;
  auto begin = Clock::now();
  const auto stage = [&](const char* name) {
    evaluation.stage_seconds[name] = seconds_since(begin);
    begin = Clock::now();
  };
  stand_by(prepared);
  const CandidateFacts facts = check(prepared, request, choice("deal"), evaluation, [&](double share) {
    if (check_point) check_point(0.3 * share);
  });
  stage("check");
  convict(evaluation);
  const bool right = evaluation.verdict == Verdict::correct;
  if (right || facts.faulted) {
    // The candidate is dead. What it may have left on the device would slow the baseline, or the next candidate.
    if (right) await_standing(prepared);
    if (!health_.well(kHealthPatience))
      throw std::runtime_error("the device does not come back to itself: a probe took " +
                               std::to_string(health_.last_us()) + " us instead of " +
                               std::to_string(health_.calibrated_us()));
    stage("health");
  }
  if (right) {
    time_candidate(prepared, facts, settings_, telemetry_, choice("time"), evaluation, spent_, [&](double share) {
      if (check_point) check_point(0.3 + 0.7 * share);
    });
    stage("time");
    convict(evaluation);
    if (evaluation.verdict != Verdict::correct) forfeit(evaluation);
  }
  served_ = &prepared;
  return evaluation;
}

void CudaJudge::tidy() {
  if (served_ == nullptr) return;
  // Not beside another judge's clock.
  GpuLock lock(uuid_, {});
  for (const auto& side : spent_) side->worker().process().kill();
  spent_.clear();
  stand_by(*std::exchange(served_, nullptr));
}

}  // namespace crucible
