#pragma once

#include <string>

#include "env/backend/cuda/candidate_cases.h"
#include "env/backend/cuda/runner_side.h"

namespace crucible {

/// What the deployability gate says of a candidate that is right.
struct GateOutcome {
  std::string undeployable;      ///< the reason with its evidence; empty when production could run it
  std::optional<Ending> ending;  ///< the runner cannot go on
};

/// Whether production could run a candidate as it is, shown in its runner on one case that it passed: a call captured
/// into a graph is right on contents and at addresses that were not there at the capture; and behind a stream that is
/// held back a call returns without its work done, does nothing elsewhere meanwhile, and is right once the stream goes
/// on. `hold_word`: arena offset of four bytes that no case uses.
GateOutcome check_deployability(RunnerSide& runner, CaseWorker& worker, const PoolCase& pool_case,
                                std::uint64_t hold_word, Choice& choice);

}  // namespace crucible
