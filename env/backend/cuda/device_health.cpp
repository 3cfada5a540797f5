#include "env/backend/cuda/device_health.h"

#include <algorithm>
#include <thread>

namespace crucible {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int kInARow = 3;
constexpr int kCalibrationProbes = 40;  // enough to bring the clocks up from idle
constexpr std::uint32_t kRounds = 40000;
// Another kernel's time slices make a probe five times as long; a clock that has not risen yet, less than three times.
constexpr double kWell = 2.5;

}  // namespace

DeviceHealth::DeviceHealth(JudgeDevice& device)
    : device_(device), sink_(DeviceMemory::allocate(device.context(), 4096, false)) {
  CRUCIBLE_CUDA(cuMemsetD8, sink_.address(), 0, sink_.size());
  CRUCIBLE_CUDA(cuEventCreate, &begin_, CU_EVENT_DEFAULT);
  CRUCIBLE_CUDA(cuEventCreate, &end_, CU_EVENT_DEFAULT);
  calibrated_us_ = probe();
  for (int i = 0; i < kCalibrationProbes; ++i) calibrated_us_ = std::min(calibrated_us_, probe());
}

DeviceHealth::~DeviceHealth() {
  (void)driver().cuEventDestroy(begin_);
  (void)driver().cuEventDestroy(end_);
}

double DeviceHealth::probe() {
  CRUCIBLE_CUDA(cuEventRecord, begin_, device_.stream());
  launch(kernels_.probe, 1, 32, device_.stream(), sink_.address(), kRounds);
  CRUCIBLE_CUDA(cuEventRecord, end_, device_.stream());
  device_.wait();
  float milliseconds = 0;
  CRUCIBLE_CUDA(cuEventElapsedTime, &milliseconds, begin_, end_);
  return static_cast<double>(milliseconds) * 1e3;
}

bool DeviceHealth::well(std::chrono::milliseconds patience) {
  const auto until = Clock::now() + patience;
  int in_a_row = 0;
  last_us_ = 0;
  for (;;) {
    const double us = probe();
    in_a_row = us <= kWell * calibrated_us_ ? in_a_row + 1 : 0;
    last_us_ = in_a_row > 1 ? std::max(last_us_, us) : us;
    if (in_a_row == kInARow) return true;
    if (Clock::now() > until) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
}

}  // namespace crucible
