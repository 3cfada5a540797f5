#include "env/backend/cuda/judge.h"

#include <chrono>

#include "env/backend/cuda/candidate_check.h"
#include "env/backend/cuda/gpu_lock.h"
#include "env/backend/cuda/prepare.h"
#include "env/backend/cuda/timing.h"

namespace crucible {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t kRoomForTask = 36ull << 30;  // launchers of one task, with their areas and contexts

double seconds_since(Clock::time_point begin) { return std::chrono::duration<double>(Clock::now() - begin).count(); }

void convict(Evaluation& evaluation) {
  for (const IntegrityFinding& finding : evaluation.findings)
    if (finding.conclusive && evaluation.verdict != Verdict::integrity_violation) {
      evaluation.verdict = prevailing(evaluation.verdict, Verdict::integrity_violation);
      evaluation.explanation = finding.kind + ": " + finding.evidence;
    }
}

}  // namespace

CudaJudge::CudaJudge(std::shared_ptr<Warden> warden, CudaJudgeSettings settings)
    : warden_(std::move(warden)), settings_(std::move(settings)), device_(settings_.device) {
  uuid_ = device_.context().uuid();
}

CudaJudge::~CudaJudge() = default;

void CudaJudge::make_room(const std::string& but) {
  std::size_t free = 0, total = 0;
  for (auto other = prepared_.begin(); other != prepared_.end();) {
    CRUCIBLE_CUDA(cuMemGetInfo, &free, &total);
    if (free >= kRoomForTask) return;
    other = other->first == but ? std::next(other) : prepared_.erase(other);
  }
}

const CudaPreparedTask& CudaJudge::prepare(const std::shared_ptr<const Task>& task, const CheckPoint& check_point) {
  std::unique_ptr<CudaPreparedTask>& prepared = prepared_[task->file];
  if (!prepared) {
    GpuLock lock(uuid_, check_point);
    make_room(task->file);
    prepared = prepare_cuda_task(device_, settings_, task, check_point);
  }
  return *prepared;
}

Evaluation CudaJudge::judge(const CudaJudgeRequest& request, const CheckPoint& check_point) {
  const CudaPreparedTask& prepared = prepare(request.task, {});
  Evaluation evaluation;
  evaluation.task = prepared.task->name;
  evaluation.seed = request.seed;
  const auto choice = [&](const char* purpose) {
    return Choice(derive_key(
        settings_.secret, {prepared.task->name, purpose, std::to_string(request.seed), std::to_string(request.turn)}));
  };
  {
    GpuLock lock(uuid_, check_point);
    auto begin = Clock::now();
    const CandidateFacts facts =
        check_candidate(*warden_, device_, prepared, request, choice("deal"), evaluation, [&](double share) {
          if (check_point) check_point(0.3 * share);
        });
    evaluation.stage_seconds["check"] = seconds_since(begin);
    convict(evaluation);
    if (evaluation.verdict != Verdict::correct) return evaluation;
    begin = Clock::now();
    time_candidate(prepared, facts, settings_, choice("time"), evaluation, [&](double share) {
      if (check_point) check_point(0.3 + 0.7 * share);
    });
    evaluation.stage_seconds["time"] = seconds_since(begin);
  }
  convict(evaluation);
  if (evaluation.verdict != Verdict::correct) {
    evaluation.speedup.reset();
    evaluation.workloads.clear();
    for (FamilyOutcome& family : evaluation.families) family.passed = 0;  // right when looked at, wrong when timed
  }
  for (const auto& lane : prepared.lanes) lane->stand_by();
  return evaluation;
}

}  // namespace crucible
