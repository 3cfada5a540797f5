#pragma once

#include <sys/types.h>

#include <cstdint>

#include "sandbox/file_descriptor.h"

namespace crucible {

/// fork() with namespaces and a pidfd of the child. By clone, because default container profiles refuse clone3. Only
/// for a single-threaded process. Returns 0 in the child, −1 with errno on failure.
pid_t clone_process(std::uint64_t namespaces, FileDescriptor& pidfd);

}  // namespace crucible
