#pragma once

#include <chrono>

#include "env/backend/cuda/judge_device.h"
#include "sandbox/launcher/chain.h"

namespace crucible {

/// Whether the device is well and nobody else's kernel holds it: three probe kernels, a millisecond apart, each in
/// about its calibrated time. (A leftover kernel takes time slices; one probe can miss it.) One per judge; not
/// thread-safe.
class DeviceHealth {
 public:
  explicit DeviceHealth(JudgeDevice& device);
  ~DeviceHealth();
  DeviceHealth(const DeviceHealth&) = delete;
  DeviceHealth& operator=(const DeviceHealth&) = delete;

  /// Probes until three in a row are well. False when that did not happen within `patience`.
  bool well(std::chrono::milliseconds patience);

  double calibrated_us() const { return calibrated_us_; }
  double last_us() const { return last_us_; }  ///< the slowest of the last three

 private:
  double probe();

  JudgeDevice& device_;
  DealKernels kernels_;
  DeviceMemory sink_;
  CUevent begin_ = nullptr;
  CUevent end_ = nullptr;
  double calibrated_us_ = 0;
  double last_us_ = 0;
};

}  // namespace crucible
