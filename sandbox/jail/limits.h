#pragma once

#include <sys/types.h>

#include <vector>

#include "sandbox/jail/spec.h"

namespace crucible {

/// Sets the resource limits of the calling process, core dumps off. Throws std::system_error.
void apply_limits(const JailLimits& limits);

/// Confines one task (0: the calling one) to these cpus. False when the kernel refuses.
bool set_affinity(pid_t task, const std::vector<int>& cpus);

}  // namespace crucible
