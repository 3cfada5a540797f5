#pragma once

#include "env/backend/cuda/candidate_check.h"

namespace crucible {

/// Times a correct candidate against each lane's baseline: paired chains and a null chain in random order, each side
/// spread over two launchers, until the interval is narrow enough. Fills workloads, speedup and, where a chain shows
/// it, verdict, explanation and findings. The candidate's host code is dead.
void time_candidate(const CudaPreparedTask& prepared, const CandidateFacts& facts, const CudaJudgeSettings& settings,
                    Choice choice, Evaluation& evaluation, const CheckPoint& check_point);

}  // namespace crucible
