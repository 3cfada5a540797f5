#include "sandbox/launcher/device.h"

#include <fcntl.h>

#include <cstdio>
#include <utility>

// Generated from the compiled fat binary; see CMakeLists.txt.
extern "C" const std::byte crucible_deal_image[];
extern "C" const std::byte crucible_deal_image_end[];

namespace crucible {
namespace {

// cuMemAddressReserve rounds wishes up to 32 MiB, so a range is wished for from the multiple of 32 MiB below it.
constexpr std::size_t kReserveGranule = 32ull << 20;

CUmemAllocationProp pinned_on(const DeviceContext& context, bool exportable) {
  CUmemAllocationProp properties = {};
  properties.type = CU_MEM_ALLOCATION_TYPE_PINNED;
  properties.location.type = CU_MEM_LOCATION_TYPE_DEVICE;
  properties.location.id = context.device();
  if (exportable) properties.requestedHandleTypes = CU_MEM_HANDLE_TYPE_POSIX_FILE_DESCRIPTOR;
  return properties;
}

}  // namespace

DeviceContext::DeviceContext(int ordinal) {
  CRUCIBLE_CUDA(cuDeviceGet, &device_, ordinal);
  // Fails when the context is already active; it then keeps the flags it has.
  (void)driver().cuDevicePrimaryCtxSetFlags(device_, CU_CTX_SCHED_SPIN);
  CRUCIBLE_CUDA(cuDevicePrimaryCtxRetain, &context_, device_);
  CRUCIBLE_CUDA(cuCtxSetCurrent, context_);
}

int DeviceContext::attribute(CUdevice_attribute which) const {
  int value = 0;
  CRUCIBLE_CUDA(cuDeviceGetAttribute, &value, which, device_);
  return value;
}

std::string DeviceContext::name() const {
  char text[128] = {};
  CRUCIBLE_CUDA(cuDeviceGetName, text, sizeof text, device_);
  return text;
}

std::string DeviceContext::uuid() const {
  CUuuid id = {};
  CRUCIBLE_CUDA(cuDeviceGetUuid, &id, device_);
  std::string text = "GPU-";
  for (int i = 0; i < 16; ++i) {
    char byte[4];
    std::snprintf(byte, sizeof byte, "%02x", static_cast<unsigned char>(id.bytes[i]));
    if (i == 4 || i == 6 || i == 8 || i == 10) text += '-';
    text += byte;
  }
  return text;
}

Stream::Stream() { CRUCIBLE_CUDA(cuStreamCreate, &stream_, CU_STREAM_NON_BLOCKING); }
Stream::~Stream() {
  if (stream_ != nullptr) (void)driver().cuStreamDestroy(stream_);
}
void Stream::synchronize() const { CRUCIBLE_CUDA(cuStreamSynchronize, stream_); }

DeviceMemory DeviceMemory::allocate(const DeviceContext& context, std::size_t bytes, bool exportable) {
  DeviceMemory memory;
  const CUmemAllocationProp properties = pinned_on(context, exportable);
  std::size_t granule = 0;
  CRUCIBLE_CUDA(cuMemGetAllocationGranularity, &granule, &properties, CU_MEM_ALLOC_GRANULARITY_RECOMMENDED);
  memory.bytes_ = (bytes + granule - 1) / granule * granule;
  CRUCIBLE_CUDA(cuMemCreate, &memory.handle_, memory.bytes_, &properties, 0);
  memory.map(context, 0, memory.bytes_);
  return memory;
}

DeviceMemory DeviceMemory::import(const DeviceContext& context, int descriptor, std::size_t bytes,
                                  CUdeviceptr address) {
  DeviceMemory memory;
  memory.bytes_ = bytes;
  CRUCIBLE_CUDA(cuMemImportFromShareableHandle, &memory.handle_,
                reinterpret_cast<void*>(static_cast<std::uintptr_t>(descriptor)),
                CU_MEM_HANDLE_TYPE_POSIX_FILE_DESCRIPTOR);
  memory.map(context, address, bytes);
  return memory;
}

DeviceMemory DeviceMemory::allocate_at(const DeviceContext& context, CUdeviceptr begin, std::size_t bytes) {
  DeviceMemory memory;
  memory.bytes_ = bytes;
  const CUmemAllocationProp properties = pinned_on(context, false);
  CRUCIBLE_CUDA(cuMemCreate, &memory.handle_, bytes, &properties, 0);
  const CUdeviceptr low = begin / kReserveGranule * kReserveGranule;
  const CUdeviceptr high = (begin + bytes + kReserveGranule - 1) / kReserveGranule * kReserveGranule;
  CRUCIBLE_CUDA(cuMemAddressReserve, &memory.reserved_, high - low, 0, low, 0);
  memory.reserved_bytes_ = high - low;
  if (memory.reserved_ != low) throw CudaError(CUDA_ERROR_ALREADY_MAPPED, "reserving a workspace's addresses");
  CRUCIBLE_CUDA(cuMemMap, begin, bytes, 0, memory.handle_, 0);
  memory.address_ = begin;
  CUmemAccessDesc access = {};
  access.location = properties.location;
  access.flags = CU_MEM_ACCESS_FLAGS_PROT_READWRITE;
  CRUCIBLE_CUDA(cuMemSetAccess, begin, bytes, &access, 1);
  return memory;
}

void DeviceMemory::map(const DeviceContext& context, CUdeviceptr reserve_at, std::size_t reserve_bytes) {
  CRUCIBLE_CUDA(cuMemAddressReserve, &reserved_, reserve_bytes, 0, reserve_at, 0);
  reserved_bytes_ = reserve_bytes;
  CRUCIBLE_CUDA(cuMemMap, reserved_, bytes_, 0, handle_, 0);
  address_ = reserved_;
  CUmemAccessDesc access = {};
  access.location.type = CU_MEM_LOCATION_TYPE_DEVICE;
  access.location.id = context.device();
  access.flags = CU_MEM_ACCESS_FLAGS_PROT_READWRITE;
  CRUCIBLE_CUDA(cuMemSetAccess, address_, bytes_, &access, 1);
}

DeviceMemory::~DeviceMemory() {
  // After a device fault every one of these fails; the process is about to end then.
  if (address_ != 0) (void)driver().cuMemUnmap(address_, bytes_);
  if (reserved_ != 0) (void)driver().cuMemAddressFree(reserved_, reserved_bytes_);
  if (handle_ != 0) (void)driver().cuMemRelease(handle_);
}

void DeviceMemory::swap(DeviceMemory& other) noexcept {
  std::swap(handle_, other.handle_);
  std::swap(address_, other.address_);
  std::swap(bytes_, other.bytes_);
  std::swap(reserved_, other.reserved_);
  std::swap(reserved_bytes_, other.reserved_bytes_);
}

FileDescriptor DeviceMemory::descriptor() const {
  int fd = -1;
  CRUCIBLE_CUDA(cuMemExportToShareableHandle, &fd, handle_, CU_MEM_HANDLE_TYPE_POSIX_FILE_DESCRIPTOR, 0);
  FileDescriptor owned(fd);
  (void)::fcntl(fd, F_SETFD, FD_CLOEXEC);
  return owned;
}

DeviceModule::DeviceModule(std::span<const std::byte> image) {
  CRUCIBLE_CUDA(cuModuleLoadData, &module_, image.data());
}
DeviceModule::~DeviceModule() {
  if (module_ != nullptr) (void)driver().cuModuleUnload(module_);
}
CUfunction DeviceModule::function(const std::string& name) const {
  CUfunction found = nullptr;
  check(driver().cuModuleGetFunction(&found, module_, name.c_str()), ("cuModuleGetFunction(" + name + ")").c_str());
  return found;
}
CUdeviceptr DeviceModule::global(const std::string& name, std::size_t* bytes) const {
  CUdeviceptr address = 0;
  std::size_t size = 0;
  if (driver().cuModuleGetGlobal(&address, &size, module_, name.c_str()) != CUDA_SUCCESS) return 0;
  if (bytes != nullptr) *bytes = size;
  return address;
}

void copy_to_device(CUdeviceptr to, const void* from, std::size_t bytes) {
  if (bytes == 0) return;
  CRUCIBLE_CUDA(cuMemcpyHtoD, to, from, bytes);
  CRUCIBLE_CUDA(cuCtxSynchronize);
}

std::span<const std::byte> deal_image() {
  return {crucible_deal_image, static_cast<std::size_t>(crucible_deal_image_end - crucible_deal_image)};
}

}  // namespace crucible
