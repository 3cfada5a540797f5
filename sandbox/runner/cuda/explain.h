#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "sandbox/launcher/cubin.h"
#include "sandbox/launcher/device.h"
#include "sandbox/runner/cuda/capture.h"

namespace crucible {

/// Where a tensor's storage lies in each of the three sets that were captured; bytes 0: no tensor there.
struct TensorPlaces {
  std::array<std::uint64_t, 3> address{};
  std::uint64_t bytes = 0;
};

/// Turns three captures of one call, on sets with different addresses, into a LaunchRecord: says of every 8-byte word
/// of parameters and attributes whether it is a tensor's address, a difference or shift of addresses, a module global,
/// a workspace or a constant, and saves the globals and workspaces as the calls so far left them.
///
/// `pristine` is a second load of the same cubin, never launched; [arena, arena + arena_bytes) is memory of ours, in
/// which no workspace can lie.
LaunchRecord explain(const std::array<CapturedCall, 3>& calls, const std::vector<TensorPlaces>& tensors,
                     const CubinContents& cubin, const DeviceModule& pristine, std::uint64_t arena,
                     std::uint64_t arena_bytes);

}  // namespace crucible
