#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "env/judge/arena.h"
#include "sandbox/runner/control.h"
#include "sandbox/warden/warden.h"

namespace crucible {

/// One kernel as a runner loads it: the candidate's artifact, or a baseline's plug-in.
struct Kernel {
  std::string name;  ///< "candidate", or the baseline's name
  std::string entry_point;
  int artifact = -1;  ///< candidate: sealed memfd
  std::string path;   ///< baseline: path of the plug-in
  RunnerProfile profile = RunnerProfile::candidate;
};

/// How one call, or the start of a runner, ended.
struct CallOutcome {
  enum class Status : std::uint8_t { done, ended, timed_out } status = Status::done;
  int return_code = 0;
  bool threw = false;
  std::string message;  ///< hostile text, bounded
};

/// A runner together with the memory that only it gets. Between chains the runner is stopped. Not thread-safe.
class RunnerSession {
 public:
  /// Creates arena and control page and starts the runner; returns before it is ready.
  RunnerSession(Warden& warden, const Kernel& kernel, std::size_t arena_bytes, std::size_t calls,
                const std::vector<int>& cpus, std::uint32_t number);

  /// Waits until the artifact is loaded, then stops the runner. `ended` with the loader's message when it did not load.
  CallOutcome wait_ready(std::chrono::milliseconds deadline);

  /// Lets the runner go on, and spins it up with `warm` null steps so that it waits hot.
  CallOutcome wake(int warm, bool parked, std::chrono::milliseconds deadline);

  /// One operation; the runner must be running. Spins (or parks when `parked`).
  CallOutcome perform(RunnerOperation operation, std::uint32_t call, std::chrono::milliseconds deadline);

  /// The two halves of perform() for a clock in between: ring() starts an operation, heard() is whether it was
  /// answered.
  void ring(RunnerOperation operation, std::uint32_t call);
  bool heard() const { return page_->done.load(std::memory_order_acquire) == sequence_; }
  /// Waits for the answer to the last ring().
  CallOutcome await(std::chrono::milliseconds deadline);

  /// Stops every thread; false when the runner has ended.
  bool stop() { return runner_->stop(); }
  Fate finish() { return runner_->finish(); }
  std::vector<JailFinding> findings() { return runner_->findings(); }
  std::string output() { return runner_->output(); }

  PreparedCall* calls() { return call_table(page_); }
  std::size_t call_capacity() const { return capacity_; }
  Arena& arena() { return arena_; }
  std::uint32_t number() const { return number_; }
  const Kernel& kernel() const { return kernel_; }

  /// Who laid out the arena and the call table last; another user must lay them out anew.
  const void* tenant() const { return tenant_; }
  void set_tenant(const void* tenant) { tenant_ = tenant; }
  ~RunnerSession();
  RunnerSession(const RunnerSession&) = delete;
  RunnerSession& operator=(const RunnerSession&) = delete;

 private:
  std::string message() const;
  void make_way() const;

  Kernel kernel_;
  Arena arena_;
  Arena control_;
  ControlPage* page_;
  std::size_t capacity_;
  std::uint32_t number_;
  std::uint32_t sequence_ = 0;
  bool parked_ = true;
  const void* tenant_ = nullptr;
  std::unique_ptr<Runner> runner_;
};

}  // namespace crucible
