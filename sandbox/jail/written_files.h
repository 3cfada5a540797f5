#pragma once

#include "sandbox/jail/namespaces.h"
#include "sandbox/jail/spec.h"

namespace crucible {

/// Copies the files of the specification from the passed descriptors into the work directory and gives it to the jail's
/// uid. Throws std::system_error.
void write_files(const JailPlan& plan, const JailView& view);

}  // namespace crucible
