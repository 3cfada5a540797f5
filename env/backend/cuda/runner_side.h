#pragma once

#include <array>
#include <chrono>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "env/backend/cuda/judge_device.h"
#include "env/backend/cuda/worker.h"
#include "sandbox/launcher/launch_record.h"
#include "sandbox/runner/control.h"

namespace crucible {

/// A runner of candidate host code with the device memory that only it gets. What it says is hostile. Not thread-safe.
class RunnerSide {
 public:
  /// Starts the process, given its control memory and descriptors of its arena and of the memory that its artifact will
  /// be written to.
  using Start = std::function<std::unique_ptr<WorkerProcess>(const WorkerControl& control, int arena, int artifact)>;

  RunnerSide(JudgeDevice& device, std::size_t arena_bytes, std::size_t calls, const Start& start);

  WorkerOutcome wait_ready(std::chrono::milliseconds deadline) { return worker_->wait_ready(deadline); }
  /// Gives a ready runner its one artifact: the bytes of the memfd `artifact`, whose entry point is `entry`. An outcome
  /// that is not ok() holds the loader's complaint.
  WorkerOutcome load(int artifact, const std::string& entry, std::chrono::milliseconds deadline);
  PreparedCall& call(std::uint32_t index) { return worker_->control().calls()[index]; }

  void write(std::size_t offset, std::span<const std::byte> bytes);
  void read(std::size_t offset, std::span<std::byte> bytes);

  /// One eager call, waited for.
  WorkerOutcome perform(std::uint32_t call, std::chrono::milliseconds deadline);
  /// Captures one call on three sets (prepared calls `sets`) and returns the runner's claim, decoded within its bounds.
  /// `outcome` says how the runner fared; a claim that does not decode is a record that is not replayable.
  LaunchRecord record(std::span<const std::byte> cubin, std::array<std::uint32_t, 3> sets,
                      std::chrono::milliseconds deadline, WorkerOutcome& outcome);
  /// Captures `call` into a graph that launch_graph() then launches, as production does.
  WorkerOutcome build_graph(std::uint32_t call, std::chrono::milliseconds deadline);
  WorkerOutcome launch_graph(std::chrono::milliseconds deadline);
  /// One eager call behind a kernel that waits for the 4-byte word at arena offset `word` (zeroed first). Comes back
  /// when the call does, before any of its work may begin; release() lets it begin, settle() waits for its end.
  WorkerOutcome call_held(std::uint32_t call, std::uint64_t word, std::chrono::milliseconds deadline);
  /// Lets held work begin. After a call_held() that timed out, await_held() then says how the call ended.
  void release(std::uint64_t word);
  WorkerOutcome await_held(std::chrono::milliseconds deadline) { return worker_->finish(deadline); }
  WorkerOutcome settle(std::chrono::milliseconds deadline) {
    return worker_->perform(CudaOperation::settle, 0, deadline);
  }
  /// Eager calls one after another, waited for at the end; timed by this process's clock.
  CudaWorker::Timed batch(std::span<const std::uint32_t> calls, std::chrono::milliseconds deadline);

  CudaWorker& worker() { return *worker_; }
  std::size_t arena_bytes() const { return arena_.size(); }
  CUdeviceptr arena() const { return arena_.address(); }

 private:
  JudgeDevice& device_;
  DeviceMemory arena_;
  FileDescriptor artifact_;
  std::unique_ptr<CudaWorker> worker_;
  bool has_cubin_ = false;
};

}  // namespace crucible
