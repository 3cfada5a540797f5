#pragma once

#include <chrono>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <stop_token>
#include <string>
#include <vector>

#include "sandbox/compile/cuda/cuda_compile.h"

namespace crucible {

/// One text of device code alone.
struct DeviceCompileRequest {
  std::string source;
  std::vector<std::string> kernels;  ///< C++ names, with template arguments, whose names in the module are wanted
  std::chrono::milliseconds deadline{30000};
};

/// `compiled.host` has no artifact; its assembly is the PTX.
struct DeviceCompileResult {
  CudaCompileResult compiled;
  std::map<std::string, std::string> functions;  ///< per kernel asked for, its name in the module
};

/// Compiles device code with NVRTC, each text in a jailed process of its own, which stood by with NVRTC loaded and
/// warm and ends with it. Thread-safe. Starts no thread.
class DeviceCompilers {
 public:
  /// `nvcc`: of the toolkit whose NVRTC and headers are used. Nothing starts before the first compile() or stand_by().
  explicit DeviceCompilers(const std::string& nvcc, std::string architecture = "90a", std::size_t standing = 2);
  ~DeviceCompilers();

  /// Starts what stands by in `warden`'s care, so that the first compile() need not wait for it.
  void stand_by(Warden& warden);

  /// Throws Cancelled when `stop` fires; WardenLost or std::runtime_error when no jail can be had or there is no NVRTC.
  DeviceCompileResult compile(Warden& warden, const DeviceCompileRequest& request, std::stop_token stop = {});

 private:
  struct Standing;
  std::unique_ptr<Standing> start(Warden& warden) const;

  std::string library_;
  std::string architecture_;
  std::vector<std::string> includes_;
  std::vector<std::string> readable_;
  std::size_t count_;
  std::mutex guard_;
  std::deque<std::unique_ptr<Standing>> standing_;
};

/// libnvrtc of the toolkit that `nvcc` belongs to, or the one that CRUCIBLE_NVRTC names. Empty where there is none.
std::string find_nvrtc(const std::string& nvcc);

}  // namespace crucible
