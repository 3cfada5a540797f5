#pragma once

#include <memory>

#include "sandbox/jail/start_jail.h"
#include "sandbox/warden/warden.h"

namespace crucible {

/// Descriptor numbers in a runner; 3 is the handshake's.
inline constexpr int kArtifactDescriptor = 4;
inline constexpr int kControlDescriptor = 5;
inline constexpr int kArenaDescriptor = 6;

/// What the jail of this runner may do.
JailSpec runner_spec(const RunnerRequest& request);

/// Starts a runner. Throws std::runtime_error.
std::unique_ptr<Runner> start_runner(const RunnerRequest& request, const StartJail& start_jail);

}  // namespace crucible
