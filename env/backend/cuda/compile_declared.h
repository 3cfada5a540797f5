#pragma once

#include <optional>
#include <stop_token>
#include <string>

#include "env/task/task.h"
#include "sandbox/compile/cuda/device_compilers.h"

namespace crucible {

/// Compiles a candidate of device code alone, whose launches its text declares. Empty when `source` declares none, or
/// defines the entry point itself: then nvcc compiles it. The artifact of a good result is the plan of its launches
/// (declared_launches.h), which the judge takes in place of a shared object. A declaration that cannot be read, or not
/// evaluated for a workload of the task, is a compile error in its line. Throws as DeviceCompilers::compile does.
std::optional<CudaCompileResult> compile_declared(DeviceCompilers& compilers, Warden& warden, const Task& task,
                                                  const std::string& source, std::stop_token stop);

}  // namespace crucible
