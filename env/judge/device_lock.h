#pragma once

#include <functional>
#include <vector>

#include "sandbox/file_descriptor.h"

namespace crucible {

/// Holds the machine-wide lock of a set of cores, so that several judges time one after the other. Waits, calling
/// `check_point(0)` now and then; what it throws gives up. The kernel releases the lock when its holder dies.
class DeviceLock {
 public:
  DeviceLock(const std::vector<int>& cpus, const std::function<void(double)>& check_point);

 private:
  FileDescriptor file_;
};

}  // namespace crucible
