#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "env/backend/cuda/runner_side.h"
#include "env/backend/cuda/timed_lane.h"
#include "env/judge/prepared_task.h"
#include "reward/evaluation.h"
#include "reward/speedup.h"
#include "sandbox/warden/warden.h"

namespace crucible {

/// A task made ready on one GPU.
struct CudaPreparedTask {
  std::shared_ptr<const Task> task;
  std::unique_ptr<Pool> pool;
  std::vector<CheckedCase> cases;                     ///< judged on the host; larger ones are judged in their chains
  std::vector<std::unique_ptr<PoolCase>> lane_cases;  ///< contents alone: their oracle is the device's
  std::vector<std::unique_ptr<TimedLane>> lanes;
  std::vector<std::string> removed;
  std::vector<std::string> notes;
};

struct CudaJudgeSettings {
  std::string secret;
  std::string libexec;
  int device = 0;
  double budget_seconds = 5;
  IntervalSettings interval;
  StoppingRule stopping;
};

struct CudaJudgeRequest {
  std::shared_ptr<const Task> task;
  int artifact = -1;     ///< sealed memfd with the shared object
  int device_code = -1;  ///< sealed memfd with the cubin that we compiled from the same text
  std::uint64_t seed = 0;
  std::uint32_t turn = 0;
};

/// Judges candidates on one GPU: correctness and deployability in one jailed runner, time as dealt chains in launchers
/// that hold no candidate host code. Single-threaded; holds the GPU's lock while it uses it.
class CudaJudge {
 public:
  CudaJudge(std::shared_ptr<Warden> warden, CudaJudgeSettings settings);
  ~CudaJudge();

  Evaluation judge(const CudaJudgeRequest& request, const CheckPoint& check_point);
  const CudaPreparedTask& prepare(const std::shared_ptr<const Task>& task, const CheckPoint& check_point);
  std::string device_name() const { return device_.context().name(); }

 private:
  /// Lets go of other tasks while device memory is short; they are prepared anew when they come again.
  void make_room(const std::string& but);

  std::shared_ptr<Warden> warden_;
  CudaJudgeSettings settings_;
  JudgeDevice device_;
  std::string uuid_;
  std::map<std::string, std::unique_ptr<CudaPreparedTask>> prepared_;  ///< by task file
};

}  // namespace crucible
