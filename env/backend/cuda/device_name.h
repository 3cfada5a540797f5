#pragma once

#include <string>
#include <vector>

namespace crucible {

/// The NVIDIA GPUs of this machine as their driver lists them under /proc, in the order of their PCI addresses, which
/// is the order of CUDA's ordinals under CUDA_DEVICE_ORDER=PCI_BUS_ID: "NVIDIA H100 80GB HBM3". Starts no CUDA. Empty
/// where there is none.
std::vector<std::string> cuda_devices();

}  // namespace crucible
