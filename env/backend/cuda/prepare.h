#pragma once

#include <memory>

#include "env/backend/cuda/judge.h"

namespace crucible {

/// Pools, bars and calibrated baselines of `task` on this GPU. Throws ConfigError when no case or no timed workload
/// remains.
std::unique_ptr<CudaPreparedTask> prepare_cuda_task(JudgeDevice& device, const CudaJudgeSettings& settings,
                                                    const std::shared_ptr<const Task>& task,
                                                    const CheckPoint& check_point);

}  // namespace crucible
