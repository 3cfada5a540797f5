#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "env/backend/cuda/judge_device.h"
#include "env/backend/cuda/worker.h"
#include "env/judge/deal.h"

namespace crucible {

/// What one call of one case did.
struct CudaCaseOutcome {
  WorkerOutcome call;
  std::optional<CallContents> outputs;  ///< in the entry's own order; present when the call returned 0
  std::optional<StrayWrite> stray;
};

/// Performs correctness cases in a process that makes eager calls: a candidate's runner, or a launcher with a
/// baseline's plug-in. Contents are dealt on the host and copied, so that the same oracle and checker serve both
/// backends.
class CaseWorker {
 public:
  /// `operation`: what makes the process call calls[0]. `arena`: the memory that the calls' offsets count from.
  CaseWorker(CudaWorker& worker, CudaOperation operation, CUdeviceptr arena, std::size_t arena_bytes)
      : worker_(worker), operation_(operation), arena_(arena), arena_bytes_(arena_bytes) {}

  CudaCaseOutcome run(const PoolCase& pool_case, const Hand& hand, Choice& choice, std::chrono::milliseconds deadline);

  /// Captures one call into a graph, then launches it on contents that were not there at the capture (runners only).
  CudaCaseOutcome run_graph(const PoolCase& pool_case, const Hand& captured, const Hand& replayed, Choice& choice,
                            std::chrono::milliseconds deadline);

  /// Two calls without a wait between them, the second reading what the first wrote (runners only). Returns why the
  /// sequence is wrong; empty when it is right or when no input can take an output.
  std::string run_sequence(const PoolCase& pool_case, std::size_t entry, Choice& choice,
                           std::chrono::milliseconds deadline, WorkerOutcome& outcome);

 private:
  void write(const PoolCase& pool_case, const Hand& hand, const Slot& slot);
  void read(const Slot& slot);
  void collect_into(CudaCaseOutcome& outcome, const PoolCase& pool_case, const Hand& hand, const Slot& slot);

  CudaWorker& worker_;
  CudaOperation operation_;
  CUdeviceptr arena_;
  std::size_t arena_bytes_;
  std::vector<std::byte> staging_;
};

}  // namespace crucible
