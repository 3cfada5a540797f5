#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "env/backend/cuda/judge.h"

namespace crucible {

/// What the runner of one candidate showed: verdict and cases go to the evaluation, the rest to the clock.
struct CandidateFacts {
  std::vector<std::byte> cubin;
  std::vector<LaunchRecord> records;            ///< per lane
  std::vector<std::optional<double>> eager_ns;  ///< per lane: one call in a batch of eager ones, in the runner
};

/// Correctness, deployability and the recorded launches of one candidate, in one jailed runner, which is dead when this
/// returns. Fills verdict, explanation, findings, families, failures and output.
CandidateFacts check_candidate(Warden& warden, JudgeDevice& device, const CudaPreparedTask& prepared,
                               const CudaJudgeRequest& request, Choice choice, Evaluation& evaluation,
                               const CheckPoint& check_point);

}  // namespace crucible
