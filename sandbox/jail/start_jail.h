#pragma once

#include <functional>
#include <span>

#include "sandbox/file_descriptor.h"
#include "sandbox/jail/spec.h"

namespace crucible {

/// Has a jail started and returns its owner's end; the descriptors are those of the specification, in its order.
/// Throws WardenLost, or std::runtime_error when the warden refuses.
using StartJail = std::function<FileDescriptor(const JailSpec& spec, std::span<const int> descriptors)>;

}  // namespace crucible
