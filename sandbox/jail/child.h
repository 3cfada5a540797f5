#pragma once

#include "sandbox/jail/namespaces.h"
#include "sandbox/jail/spec.h"

namespace crucible {

/// Descriptors that the init holds when it forks the jailed process.
struct ChildDescriptors {
  int input;      ///< becomes 0
  int output;     ///< becomes 1 and 2
  int handshake;  ///< becomes kHandshakeDescriptor; −1: none
  int helper;     ///< the executable, when the specification names a helper
  int status;     ///< gets one line of text when a step fails; closed by a successful exec
};

/// Runs in the process forked by the init: raises the walls around the calling process in their fixed order (session,
/// limits, uid, no_new_privs, Landlock, seccomp) and becomes the program. Never returns.
[[noreturn]] void become_jailed(const JailPlan& plan, const JailView& view, ChildDescriptors descriptors);

}  // namespace crucible
