#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "env/backend/cuda/candidate_runner.h"
#include "env/backend/cuda/device_health.h"
#include "env/backend/cuda/telemetry.h"
#include "env/backend/cuda/timed_lane.h"
#include "env/judge/judge_server.h"
#include "reward/evaluation.h"
#include "reward/speedup.h"
#include "sandbox/warden/warden.h"

namespace crucible {

class CaseLauncher;
struct CandidateFacts;

/// A task made ready on one GPU. `cases` are judged on the host; larger ones are judged in their chains.
struct CudaPreparedTask : PreparedTask {
  CudaPreparedTask();
  ~CudaPreparedTask();
  std::vector<std::unique_ptr<PoolCase>> lane_cases;  ///< contents alone: their oracle is the device's
  std::vector<std::unique_ptr<TimedLane>> lanes;
  std::size_t runner_arena = 0;                          ///< bytes of arena that a runner needs
  std::deque<std::unique_ptr<CandidateRunner>> runners;  ///< standing by
  std::deque<std::unique_ptr<CaseLauncher>> launchers;   ///< standing by, once device code alone has come
  bool launchers_wanted = false;
};

struct CudaJudgeSettings {
  std::string secret;
  std::string libexec;
  int device = 0;
  double budget_seconds = 5;
  IntervalSettings interval;
  StoppingRule stopping;
};

/// Judges candidates on one GPU: correctness and deployability in one jailed runner, time as dealt chains in launchers
/// that hold no candidate host code. Single-threaded; holds the GPU's lock while it uses it.
class CudaJudge final : public BackendJudge {
 public:
  CudaJudge(std::shared_ptr<Warden> warden, CudaJudgeSettings settings);
  ~CudaJudge() override;

  Evaluation judge(const JudgeRequest& request, const CheckPoint& check_point) override;
  void tidy() override;
  const PreparedTask& prepare(const std::shared_ptr<const Task>& task, const CheckPoint& check_point) override {
    return ready(task, check_point);
  }

 private:
  CudaPreparedTask& ready(const std::shared_ptr<const Task>& task, const CheckPoint& check_point);
  /// Starts runner and launchers for the candidates after this one, so that none waits for a context.
  void stand_by(CudaPreparedTask& prepared);
  CandidateFacts check(CudaPreparedTask& prepared, const JudgeRequest& request, Choice choice, Evaluation& evaluation,
                       const CheckPoint& check_point);
  void await_standing(CudaPreparedTask& prepared);
  /// Lets go of other tasks while device memory is short; they are prepared anew when they come again.
  void make_room(const std::string& but);

  std::shared_ptr<Warden> warden_;
  CudaJudgeSettings settings_;
  JudgeDevice device_;
  std::string uuid_;
  DeviceHealth health_;
  Telemetry telemetry_;
  std::map<std::string, std::unique_ptr<CudaPreparedTask>> prepared_;  ///< by task file
  std::vector<std::unique_ptr<ChainSide>> spent_;                      ///< launchers that served, to be ended
  CudaPreparedTask* served_ = nullptr;                                 ///< the task of the last candidate
};

}  // namespace crucible
