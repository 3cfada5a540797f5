#pragma once

#include <string>

#include "sandbox/jail/spec.h"

namespace crucible {

/// Where the jailed program finds things, once its root is made.
struct JailView {
  std::string work_directory;  ///< empty when the specification asks for none
  bool has_proc = false;       ///< a /proc that shows the jail's own processes (or, without namespaces, the host's)
};

/// Runs in the init. With a mount namespace: builds a root that holds only what the specification grants (read-only
/// binds, its own tmpfs, devices, perhaps /proc) and pivots into it, leaving nothing of the host reachable. Without:
/// only picks the work directory. Throws std::system_error that names the step.
JailView enter_root(const JailPlan& plan);

}  // namespace crucible
