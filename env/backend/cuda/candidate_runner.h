#pragma once

#include <memory>

#include "env/backend/cuda/runner_side.h"
#include "sandbox/jail/report.h"
#include "sandbox/warden/warden.h"

namespace crucible {

inline constexpr std::uint32_t kRecordedSets = 3;  ///< sets with different addresses on which a call is recorded

/// A jailed runner for one candidate, started before there is one, so that neither its jail nor its context is waited
/// for. Serves one candidate and then ends. Not thread-safe; the device must outlive it.
class CandidateRunner {
 public:
  CandidateRunner(Warden& warden, JudgeDevice& device, std::size_t arena_bytes);

  /// Waits until it is up and gives it its artifact. Throws std::runtime_error when the runner itself did not come up;
  /// an outcome that is not ok() is about the artifact.
  WorkerOutcome load(int artifact, const std::string& entry_point);

  RunnerSide& side() { return *side_; }
  bool settled() { return side_->worker().settled(); }
  /// Ends it; its jail's report.
  const JailReport& finish();
  /// First bytes that it wrote, and what its jail found; after finish().
  std::string output();
  const std::vector<JailFinding>& findings();

 private:
  class Process;
  std::unique_ptr<RunnerSide> side_;
  Process* process_ = nullptr;  // owned by side_'s worker
};

}  // namespace crucible
