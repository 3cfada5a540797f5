#pragma once

#include "env/backend/cuda/candidate_check.h"
#include "env/backend/cuda/declared_launches.h"

namespace crucible {

/// A launcher with an arena that makes calls in it, started ahead: of a baseline's plug-in, or of device code alone.
class CaseLauncher {
 public:
  CaseLauncher(JudgeDevice& device, const std::string& libexec, std::size_t arena_bytes);

  CudaWorker& worker() { return *worker_; }
  CUdeviceptr arena() const { return area_.address(); }
  std::size_t arena_bytes() const { return area_.size(); }

 private:
  DeviceMemory area_;
  std::unique_ptr<CudaWorker> worker_;
};

/// Correctness of a candidate of device code alone, in `launcher`, which has ended when this returns. It has no host
/// code that could wait, allocate or choose a stream, so production can run it as it is. Fills the evaluation as
/// check_candidate() does.
CandidateFacts check_declared(JudgeDevice& device, const CudaPreparedTask& prepared, CaseLauncher& launcher,
                              const DeclaredPlan& plan, const JudgeRequest& request, Choice choice,
                              Evaluation& evaluation, const CheckPoint& check_point);

}  // namespace crucible
