#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "env/backend/cuda/judge_device.h"
#include "env/backend/cuda/worker.h"
#include "env/judge/case_run.h"
#include "env/judge/deal.h"

namespace crucible {

/// A call's slot as it was read back, apart from any arena: what a verification on another thread needs.
struct CaseBytes {
  Slot slot;  ///< offsets into `bytes`
  std::vector<std::byte> bytes;
};

/// Why what a call dealt `hand` left behind is wrong, stray writes first; empty when it is right. Thread-safe.
std::string wrong_in(const PoolCase& pool_case, const Hand& hand, const CaseBytes& left);

/// What the calls of an output-fed sequence left.
struct SequenceBytes {
  Feed feed;
  CallContents left;  ///< after the first call
  CallContents last;  ///< after the second
};

/// Performs correctness cases in a process that makes eager calls: a candidate's runner, or a launcher with a
/// baseline's plug-in. Contents are dealt on the host and copied, so that the same oracle and checker serve both
/// backends. Not thread-safe.
class CaseWorker {
 public:
  /// `operation`: what makes the process call calls[0]. `arena`: the memory that the calls' offsets count from.
  CaseWorker(CudaWorker& worker, CudaOperation operation, CUdeviceptr arena, std::size_t arena_bytes)
      : worker_(worker), operation_(operation), arena_(arena), arena_bytes_(arena_bytes) {}

  /// A place for calls of a case. Calls at one place see the same addresses.
  Slot place(const PoolCase& pool_case, Choice& choice) const;
  void write(const PoolCase& pool_case, const Hand& hand, const Slot& slot);
  CaseBytes read(const Slot& slot);
  void prepare(const PoolCase& pool_case, const Slot& slot, bool split_offset) {
    worker_.control().calls()[0] = prepare_call(pool_case.layout, slot, split_offset);
  }

  /// Deals, calls and, when the call returned 0, reads back.
  WorkerOutcome run(const PoolCase& pool_case, const Hand& hand, const Slot& slot, Choice& choice,
                    std::chrono::milliseconds deadline, CaseBytes& left);

  /// Two calls without a wait between them, the second reading what the first wrote (runners only). Empty when the
  /// layout has no such pair, or when a call did not end well: `outcome` says so.
  std::optional<SequenceBytes> run_sequence(const PoolCase& pool_case, std::size_t entry, Choice& choice,
                                            std::chrono::milliseconds deadline, WorkerOutcome& outcome);

  /// What goes with every call of a case, where the operation wants a request; `fed`: the call reads another's output.
  using Request = std::function<std::vector<std::byte>(const PoolCase&, const std::optional<Feed>& fed)>;
  void tell(Request request) { request_ = std::move(request); }

  CudaWorker& worker() { return worker_; }

 private:
  WorkerOutcome perform(const PoolCase& pool_case, std::uint32_t call, const std::optional<Feed>& fed,
                        std::chrono::milliseconds deadline);

  CudaWorker& worker_;
  CudaOperation operation_;
  CUdeviceptr arena_;
  std::size_t arena_bytes_;
  std::vector<std::byte> staging_;
  Request request_;
};

}  // namespace crucible
