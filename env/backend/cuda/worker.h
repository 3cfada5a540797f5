#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "sandbox/launcher/worker_control.h"

namespace crucible {

/// How one operation of a CUDA worker, or its start, ended.
struct WorkerOutcome {
  enum class Status : std::uint8_t { done, ended, timed_out } status = Status::done;
  int return_code = 0;
  bool threw = false;
  std::string message;  ///< of a runner: hostile text, bounded
  bool ok() const { return status == Status::done && return_code == 0 && !threw; }
};

/// The operating system's side of a worker: a child of ours, or a runner that the warden holds in a jail. The
/// destructor kills and reaps.
class WorkerProcess {
 public:
  virtual ~WorkerProcess() = default;
  virtual bool ended() = 0;
  /// Asks the system to end it, without waiting: several end side by side.
  virtual void kill() = 0;
  /// Kills if running, reaps, and says in one phrase how it ended.
  virtual std::string finish() = 0;
};

/// Starts `executable` as a direct child with `descriptors` at 3, 4, … and nothing else open but the standard three.
/// Throws std::system_error.
std::unique_ptr<WorkerProcess> spawn_worker(const std::string& executable, const std::vector<std::string>& arguments,
                                            const std::vector<int>& descriptors);

/// A process with its control memory, as the judge drives it. Not thread-safe.
class CudaWorker {
 public:
  CudaWorker(std::unique_ptr<WorkerProcess> process, WorkerControl control);

  WorkerOutcome wait_ready(std::chrono::milliseconds deadline);
  /// Whether the worker stands by (or could not come up, or ended): wait_ready() would not wait.
  bool settled();
  WorkerOutcome perform(CudaOperation operation, std::uint32_t call, std::chrono::milliseconds deadline);
  /// perform() with a request.
  WorkerOutcome ask(CudaOperation operation, std::span<const std::byte> request, std::uint32_t call,
                    std::chrono::milliseconds deadline);
  /// The two halves of ask(): the worker goes on by itself in between. finish() that timed out may be called again.
  void start(CudaOperation operation, std::span<const std::byte> request, std::uint32_t call);
  WorkerOutcome finish(std::chrono::milliseconds deadline) { return await(deadline); }
  /// perform() between two readings of this process's clock; nothing is measured unless outcome.ok().
  struct Timed {
    WorkerOutcome outcome;
    std::chrono::nanoseconds time{0};
  };
  Timed timed(CudaOperation operation, std::uint32_t call, std::chrono::milliseconds deadline);

  /// Awake workers spin, so that no wake-up is timed; others sleep.
  WorkerOutcome wake(std::chrono::milliseconds deadline);
  void sleep() { control_.park(true); }

  WorkerControl& control() { return control_; }
  WorkerProcess& process() { return *process_; }

 private:
  WorkerOutcome await(std::chrono::milliseconds deadline);

  std::unique_ptr<WorkerProcess> process_;
  WorkerControl control_;
};

}  // namespace crucible
