#pragma once

#include <chrono>
#include <stop_token>
#include <string>
#include <vector>

#include "sandbox/warden/warden.h"

namespace crucible {

/// One `.cu` text to compile in a jail.
struct CudaCompileRequest {
  std::string source;
  std::string entry_point;  ///< must be defined by the shared object
  std::string nvcc;         ///< absolute path
  std::string architecture = "90a";
  std::chrono::milliseconds deadline{60000};
};

/// The host's part, and the device code that we compiled from the same text. `host.assembly` holds the PTX.
struct CudaCompileResult {
  CompileResult host;
  FileDescriptor device_code;  ///< sealed memfd with the cubin; valid when host.status is ok
};

/// Compiles hostile text in a jail of its own: shared object and cubin from one run, so that both name their symbols
/// alike. Blocks. Throws Cancelled when `stop` fires; WardenLost or std::runtime_error when no jail can be had.
CudaCompileResult compile_cuda(Warden& warden, const CudaCompileRequest& request, std::stop_token stop = {});

/// nvcc: CRUCIBLE_NVCC, CUDA_PATH/bin, the PATH, or /usr/local/cuda; links resolved. Empty where none is installed.
std::string find_nvcc();

}  // namespace crucible
