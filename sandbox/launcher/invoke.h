#pragma once

#include <cstdint>

#include "sandbox/runner/control.h"

namespace crucible {

/// Calls `entry` with fresh tensor descriptors built from `call`; offsets count from `arena`, tensors say they live on
/// CUDA device `device`, and a stream argument is `stream`. Returns what the entry point returns. The descriptors die
/// with the call, as the contract says.
int invoke(void* entry, const PreparedCall& call, std::uint64_t arena, int device, void* stream);

}  // namespace crucible
