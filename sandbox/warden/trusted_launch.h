#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "sandbox/file_descriptor.h"
#include "sandbox/warden/host.h"

namespace crucible {

/// A trusted helper just started, seen from the warden.
struct LaunchedHelper {
  pid_t process = -1;
  FileDescriptor pidfd;
  FileDescriptor peer;    ///< the other end of its descriptor 3; goes to whoever asked
  FileDescriptor client;  ///< the warden's end of its client socket (its descriptor 4)
};

/// Starts an executable of libexec that dies with the warden. Throws std::runtime_error.
LaunchedHelper launch_trusted(Host& host, const std::string& name, const std::vector<std::string>& arguments,
                              const std::vector<std::string>& environment);

}  // namespace crucible
