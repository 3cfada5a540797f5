#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "env/backend/cuda/judge.h"

namespace crucible {

/// What the runner of one candidate showed: verdict and cases go to the evaluation, the rest to the clock.
struct CandidateFacts {
  std::vector<std::byte> cubin;
  std::vector<LaunchRecord> records;             ///< per lane
  std::vector<std::vector<std::byte>> declared;  ///< device code alone: per lane, an encoded DeclaredCall
  std::vector<std::optional<double>> eager_ns;   ///< per lane: one call in a batch of eager ones, in the runner
  bool faulted = false;                          ///< the runner ended by itself or had to be ended in a call
};

/// Correctness, deployability and the recorded launches of one candidate, in `runner`, which is dead when this returns.
/// Fills verdict, explanation, findings, families, failures, output and the stages "check_…". `request.artifacts`: the
/// shared object and the cubin.
CandidateFacts check_candidate(JudgeDevice& device, const CudaPreparedTask& prepared, CandidateRunner& runner,
                               const JudgeRequest& request, Choice choice, Evaluation& evaluation,
                               const CheckPoint& check_point);

}  // namespace crucible
