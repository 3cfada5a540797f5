#pragma once

#include <functional>
#include <string>

#include "sandbox/file_descriptor.h"

namespace crucible {

/// Holds the machine-wide lock of one GPU, by its UUID, so that several judges use it one after the other. Waits,
/// calling `check_point(0)` now and then; what it throws gives up. The kernel releases the lock when its holder dies.
class GpuLock {
 public:
  GpuLock(const std::string& uuid, const std::function<void(double)>& check_point);

 private:
  FileDescriptor file_;
};

}  // namespace crucible
