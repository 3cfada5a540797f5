#pragma once

#include <vector>

#include "sandbox/jail/spec.h"

namespace crucible {

/// The jail of a runner of candidate host code with the CUDA driver in it. Its descriptors are control memory, arena
/// and artifact (a memfd that may still be empty), in this order; they become 4, 5 and 6.
JailSpec cuda_runner_spec(const std::vector<int>& cpus);

}  // namespace crucible
