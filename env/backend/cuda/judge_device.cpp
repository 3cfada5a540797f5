#include "env/backend/cuda/judge_device.h"

#include <sys/random.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <system_error>
#include <utility>

// Generated from judge_kernels.cu and task_oracle.cu; see CMakeLists.txt.
extern "C" const std::byte crucible_judge_image[];
extern "C" const std::byte crucible_judge_image_end[];
extern "C" const std::byte crucible_oracle_image[];
extern "C" const std::byte crucible_oracle_image_end[];

namespace crucible {
namespace {

constexpr std::size_t kJobBytes = 32ull << 20;
constexpr std::size_t kMaxJobsAtOnce = 32768;  // of grid.y's 65535

std::span<const std::byte> judge_image() {
  return {crucible_judge_image, static_cast<std::size_t>(crucible_judge_image_end - crucible_judge_image)};
}

std::span<const std::byte> oracle_image() {
  return {crucible_oracle_image, static_cast<std::size_t>(crucible_oracle_image_end - crucible_oracle_image)};
}

}  // namespace

JudgeDevice::JudgeDevice(int ordinal)
    : ordinal_(ordinal), context_(ordinal), module_(judge_image()), oracle_module_(oracle_image()) {
  jobs_ = module_.function("crucible_jobs");
  row_jobs_ = module_.function("crucible_row_jobs");
  oracle_ = module_.function("crucible_oracle");
  task_oracle_ = oracle_module_.function("crucible_task_oracle");
  job_memory_ = DeviceMemory::allocate(context_, kJobBytes, false);
  counter_memory_ = DeviceMemory::allocate(context_, 2ull << 20, false);
}

template <class Job>
void JudgeDevice::run_array(const std::vector<Job>& jobs, CUfunction function, unsigned grid) {
  std::span<const Job> rest(jobs);
  while (!rest.empty()) {
    const std::size_t n = std::min({rest.size(), kMaxJobsAtOnce, kJobBytes / sizeof(Job)});
    if (job_bytes_used_ + n * sizeof(Job) > kJobBytes) {
      wait();
      job_bytes_used_ = 0;
    }
    const CUdeviceptr at = job_memory_.address() + job_bytes_used_;
    // In the stream, before the kernel; pageable memory is staged before this returns, so the array may die then.
    CRUCIBLE_CUDA(cuMemcpyHtoDAsync, at, rest.data(), n * sizeof(Job), stream_.get());
    job_bytes_used_ += (n * sizeof(Job) + 255) / 256 * 256;
    CUdeviceptr argument = at;
    void* arguments[] = {&argument, nullptr};
    CRUCIBLE_CUDA(cuLaunchKernel, function, grid, static_cast<unsigned>(n), 1, 256, 1, 1, 0, stream_.get(), arguments,
                  nullptr);
    rest = rest.subspan(n);
  }
}

namespace {

/// Blocks per job: enough to fill the device when jobs are few, few when they are many and small.
unsigned grid_for(std::uint64_t largest_items, std::size_t jobs) {
  const std::uint64_t useful = std::max<std::uint64_t>(1, (largest_items + 255) / 256);
  const std::uint64_t share = std::max<std::uint64_t>(1, 2112 / std::max<std::size_t>(1, jobs));
  return static_cast<unsigned>(std::min(useful, share));
}

}  // namespace

void JudgeDevice::run(const std::vector<CrucibleJob>& jobs) {
  std::uint64_t largest = 0;
  for (const CrucibleJob& j : jobs) largest = std::max(largest, j.dealt.width * j.dealt.rows / 16);
  run_array(jobs, jobs_, grid_for(largest, jobs.size()));
}

void JudgeDevice::run(const std::vector<CrucibleRowJob>& jobs) {
  std::uint64_t largest = 0;
  for (const CrucibleRowJob& j : jobs) largest = std::max<std::uint64_t>(largest, j.rows);
  run_array(jobs, row_jobs_, grid_for(largest, jobs.size()));
}

void JudgeDevice::run(const std::vector<CrucibleOracleJob>& jobs) {
  std::uint64_t largest = 0;
  for (const CrucibleOracleJob& j : jobs) largest = std::max<std::uint64_t>(largest, j.input.rows);
  run_array(jobs, oracle_, grid_for(largest * 256, jobs.size()));
}

void JudgeDevice::run(const std::vector<CrucibleTaskJob>& jobs) {
  std::uint64_t largest = 0;
  for (const CrucibleTaskJob& j : jobs)
    for (const CrucibleOracleTensor& t : j.after) {
      if (t.base == 0) continue;
      std::uint64_t elements = 1;
      for (const std::int64_t extent : t.shape)
        if (extent > 0) elements *= static_cast<std::uint64_t>(extent);
      largest = std::max(largest, elements);
    }
  run_array(jobs, task_oracle_, grid_for(largest * 32, jobs.size()));  // at most a warp an element
}

CUdeviceptr JudgeDevice::counters(std::size_t count) {
  if (count * 8 > counter_memory_.size()) {
    wait();
    counter_memory_ = DeviceMemory::allocate(context_, count * 8, false);
  }
  CRUCIBLE_CUDA(cuMemsetD8Async, counter_memory_.address(), 0, count * 8, stream_.get());
  return counter_memory_.address();
}

std::vector<std::uint64_t> JudgeDevice::read_counters(CUdeviceptr at, std::size_t count) {
  wait();
  std::vector<std::uint64_t> values(count);
  CRUCIBLE_CUDA(cuMemcpyDtoH, values.data(), at, count * 8);
  return values;
}

std::uint64_t unguessable() {
  static thread_local std::array<std::uint64_t, 256> drawn;
  static thread_local std::size_t left = 0;
  if (left == 0) {
    auto* at = reinterpret_cast<char*>(drawn.data());
    for (std::size_t got = 0; got < sizeof drawn;) {
      const ssize_t n = ::getrandom(at + got, sizeof drawn - got, 0);
      if (n < 0 && errno != EINTR) throw std::system_error(errno, std::generic_category(), "getrandom");
      if (n > 0) got += static_cast<std::size_t>(n);
    }
    left = drawn.size();
  }
  return std::exchange(drawn[--left], 0);
}

}  // namespace crucible
