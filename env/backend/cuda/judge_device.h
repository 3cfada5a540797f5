#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "env/backend/cuda/judge_jobs.h"
#include "env/backend/cuda/oracle_jobs.h"
#include "sandbox/launcher/device.h"

namespace crucible {

/// The judge's own place on the device: context, stream and trusted kernels. One per judge process; not thread-safe.
class JudgeDevice {
 public:
  explicit JudgeDevice(int ordinal);

  const DeviceContext& context() const { return context_; }
  int ordinal() const { return ordinal_; }
  CUstream stream() const { return stream_.get(); }

  // Each queues work; wait() waits for it. The arrays are copied before these return.
  void run(const std::vector<CrucibleJob>& jobs);
  void run(const std::vector<CrucibleRowJob>& jobs);
  void run(const std::vector<CrucibleOracleJob>& jobs);
  void run(const std::vector<CrucibleTaskJob>& jobs);
  void wait() const { stream_.synchronize(); }

  /// Zeroed counters for jobs to count in: `count` 64-bit words on the device, valid until the next call.
  CUdeviceptr counters(std::size_t count);
  std::vector<std::uint64_t> read_counters(CUdeviceptr at, std::size_t count);

 private:
  template <class Job>
  void run_array(const std::vector<Job>& jobs, CUfunction function, unsigned grid);

  int ordinal_;
  DeviceContext context_;
  DeviceModule module_, oracle_module_;
  Stream stream_;
  CUfunction jobs_, row_jobs_, oracle_, task_oracle_;
  DeviceMemory job_memory_;
  std::size_t job_bytes_used_ = 0;
  DeviceMemory counter_memory_;
};

/// 64 bits that cannot be guessed from those drawn before (the kernel's generator).
std::uint64_t unguessable();

}  // namespace crucible
