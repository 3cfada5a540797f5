#pragma once

#include "sandbox/launcher/declared_call.h"
#include "sandbox/launcher/device.h"
#include "sandbox/launcher/launch_record.h"

namespace crucible {

/// The declared launches as a record over `module`, whose kernels say where their parameters lie. Throws CudaError when
/// a kernel is not there, RecordError when its parameters are not what was declared.
LaunchRecord record_of(const DeviceModule& module, const DeclaredCall& call);

}  // namespace crucible
