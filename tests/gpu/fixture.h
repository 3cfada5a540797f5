#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "env/backend/cuda/chain_side.h"
#include "env/backend/cuda/device_pool.h"
#include "env/backend/cuda/runner_side.h"

namespace crucible::gpu_test {

/// Where the helper executables and the compiled fixtures are: CRUCIBLE_LIBEXEC, and CRUCIBLE_GPU_FIXTURES or the
/// folder that the build fills.
std::string libexec();
std::string fixtures();

std::vector<std::byte> read_file(const std::string& path);

/// A call of rms_norm on [rows, columns] compact tensors.
CallLayout rms_norm_layout(DType dtype, std::int64_t rows, std::int64_t columns);

/// Pool entries for such a call: normal deviates, weights near one.
std::vector<CallContents> rms_norm_entries(const CallLayout& layout, std::size_t count, std::uint64_t seed);

/// A fixture in a runner of its own, with three sets dealt and one eager call made on the first.
class RecordedFixture {
 public:
  RecordedFixture(JudgeDevice& device, const std::string& name, const CallLayout& layout, const CallContents& contents);
  WorkerOutcome started;  ///< whether the artifact loaded
  WorkerOutcome eager;    ///< the first call
  WorkerOutcome recorded;
  LaunchRecord record;
  std::vector<std::byte> cubin;
  std::unique_ptr<RunnerSide> runner;
  double record_ms = 0;

  ChainSubject subject() const { return {ChainKernel::candidate, cubin, encode(record), {}, {}}; }
};

}  // namespace crucible::gpu_test
