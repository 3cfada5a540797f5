#pragma once

#include "env/backend/cuda/candidate_check.h"

namespace crucible {

/// Times a candidate that is right against the baselines, as dealt chains in launchers without candidate host code.
/// Fills workloads, speedup, device_state, the kernels' resources (in diagnostics) and the stages "time_…"; a chain
/// whose outputs are wrong changes the verdict. Launchers that served are left in `spent`: ending them takes longer
/// than the pairs do. What cannot be replayed loses its speed only, with the reason. Throws std::runtime_error for
/// failures of ours.
void time_candidate(const CudaPreparedTask& prepared, const CandidateFacts& facts, const CudaJudgeSettings& settings,
                    const Telemetry& telemetry, Choice choice, Evaluation& evaluation,
                    std::vector<std::unique_ptr<ChainSide>>& spent, const CheckPoint& check_point);

}  // namespace crucible
