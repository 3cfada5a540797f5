#pragma once

#include <sys/types.h>

#include <vector>

#include "sandbox/jail/spec.h"

namespace crucible {

/// Sets the resource limits of the calling process, core dumps off. Throws std::system_error.
void apply_limits(const JailLimits& limits);

/// Confines one task (0: the calling one) to these cpus. False when the kernel refuses.
bool set_affinity(pid_t task, const std::vector<int>& cpus);

/// Keeps the calling task off these cpus as long as it may use others: what watches over a spinning program must not
/// wait for that program's time slice to end.
void avoid_cpus(const std::vector<int>& cpus);

}  // namespace crucible
