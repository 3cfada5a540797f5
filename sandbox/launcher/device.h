#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "sandbox/file_descriptor.h"
#include "sandbox/launcher/driver.h"

namespace crucible {

/// The primary context of one device, made current on the constructing thread. Streams spin, so that a wait costs no
/// wake-up. Primary contexts live until the process ends: a process uses one device and then exits.
class DeviceContext {
 public:
  explicit DeviceContext(int ordinal);
  CUdevice device() const { return device_; }
  CUcontext context() const { return context_; }
  int attribute(CUdevice_attribute which) const;
  std::string name() const;  ///< "NVIDIA H100 80GB HBM3"
  std::string uuid() const;  ///< "GPU-xxxxxxxx-…", as nvidia-smi prints it

 private:
  CUdevice device_ = 0;
  CUcontext context_ = nullptr;
};

/// A non-blocking stream.
class Stream {
 public:
  Stream();
  ~Stream();
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;
  CUstream get() const { return stream_; }
  void synchronize() const;

 private:
  CUstream stream_ = nullptr;
};

/// Device memory of which other processes can get a view, or such a view. Movable; unmapped and released on
/// destruction.
class DeviceMemory {
 public:
  DeviceMemory() = default;
  /// Allocates at least `bytes`, rounded up to the device's granularity. `exportable`: descriptor() can be called.
  static DeviceMemory allocate(const DeviceContext& context, std::size_t bytes, bool exportable);
  /// Maps memory that another process exported; `bytes` is its exact size. `address`: a wish, 0 for none.
  static DeviceMemory import(const DeviceContext& context, int descriptor, std::size_t bytes, CUdeviceptr address = 0);
  /// Allocates pages exactly at [begin, begin + bytes), both multiples of 2 MiB. Throws CudaError when that range is
  /// taken.
  static DeviceMemory allocate_at(const DeviceContext& context, CUdeviceptr begin, std::size_t bytes);

  DeviceMemory(DeviceMemory&& other) noexcept { swap(other); }
  DeviceMemory& operator=(DeviceMemory&& other) noexcept {
    swap(other);
    return *this;
  }
  DeviceMemory(const DeviceMemory&) = delete;
  DeviceMemory& operator=(const DeviceMemory&) = delete;
  ~DeviceMemory();

  CUdeviceptr address() const { return address_; }
  std::size_t size() const { return bytes_; }
  /// A descriptor that another process can import; close-on-exec.
  FileDescriptor descriptor() const;

 private:
  void swap(DeviceMemory& other) noexcept;
  void map(const DeviceContext& context, CUdeviceptr reserve_at, std::size_t reserve_bytes);

  CUmemGenericAllocationHandle handle_ = 0;
  CUdeviceptr address_ = 0;  ///< of the mapped bytes
  std::size_t bytes_ = 0;
  CUdeviceptr reserved_ = 0;  ///< of the reservation around them
  std::size_t reserved_bytes_ = 0;
};

/// A loaded module of device code.
class DeviceModule {
 public:
  explicit DeviceModule(std::span<const std::byte> image);
  ~DeviceModule();
  DeviceModule(const DeviceModule&) = delete;
  DeviceModule& operator=(const DeviceModule&) = delete;
  CUmodule get() const { return module_; }
  CUfunction function(const std::string& name) const;  ///< throws CudaError
  /// Address and size of a global; 0 when it has none of that name.
  CUdeviceptr global(const std::string& name, std::size_t* bytes = nullptr) const;

 private:
  CUmodule module_ = nullptr;
};

/// Device code compiled into this executable: deal.cu.
std::span<const std::byte> deal_image();

/// Copies to the device and waits until the bytes are there. (cuMemcpyHtoD returns when pageable bytes are staged:
/// another process, or another stream, may still see the old ones.)
void copy_to_device(CUdeviceptr to, const void* from, std::size_t bytes);

/// Launches `function` with the given arguments, whose types must be the kernel's own.
template <class... Arguments>
void launch(CUfunction function, unsigned grid, unsigned block, CUstream stream, Arguments... arguments) {
  void* addresses[] = {&arguments..., nullptr};
  CRUCIBLE_CUDA(cuLaunchKernel, function, grid, 1, 1, block, 1, 1, 0, stream, addresses, nullptr);
}

}  // namespace crucible
