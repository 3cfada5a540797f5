#pragma once

#include <sys/types.h>

#include <span>
#include <string>

#include "sandbox/file_descriptor.h"
#include "sandbox/jail/spec.h"
#include "sandbox/warden/host.h"

namespace crucible {

/// A jail's init just started, seen from the warden.
struct LaunchedJail {
  pid_t init = -1;
  FileDescriptor pidfd;
  FileDescriptor owner;           ///< the owner's end; goes to whoever asked
  FileDescriptor control;         ///< the warden's end: closing it ends the jail
  std::string scratch_directory;  ///< to be removed after the init is reaped; may be empty
};

/// Starts an init in the namespaces of the plan with exactly its descriptors. Throws std::system_error.
LaunchedJail launch_jail(Host& host, JailPlan plan, std::span<const FileDescriptor> passed);

}  // namespace crucible
