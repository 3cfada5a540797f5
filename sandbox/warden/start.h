#pragma once

#include <sys/types.h>

#include <string>

#include "sandbox/file_descriptor.h"

namespace crucible {

struct StartedWarden {
  pid_t process = -1;
  FileDescriptor socket;
};

/// Starts `libexec`/crucible-warden with vfork semantics (a trainer of any size is not copied), an environment of its
/// own and one end of a socket as its descriptor 3. Throws std::runtime_error.
StartedWarden start_warden(const std::string& libexec);

}  // namespace crucible
