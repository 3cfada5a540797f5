#pragma once

#include <cuda.h>

#include <stdexcept>
#include <string>

namespace crucible {

/// A CUDA driver call failed. `what()` names the call and the driver's own name for the error.
class CudaError : public std::runtime_error {
 public:
  CudaError(CUresult result, const std::string& call);
  CUresult result() const { return result_; }

 private:
  CUresult result_;
};

// The driver's entry points that we use. cuda.h maps some names to versioned ones (cuMemAlloc → cuMemAlloc_v2); the
// table is expanded after those macros, so every member carries, and is looked up by, the version that the header
// describes.
// clang-format off
#define CRUCIBLE_DRIVER_ENTRIES(X)                                                                                     \
  X(cuInit)                                                                                                            \
  X(cuDriverGetVersion)                                                                                                \
  X(cuDeviceGet)                                                                                                       \
  X(cuDeviceGetCount) X(cuDeviceGetName) X(cuDeviceGetUuid) X(cuDeviceGetAttribute) X(cuDevicePrimaryCtxRetain)        \
      X(cuDevicePrimaryCtxSetFlags) X(cuCtxSetCurrent) X(cuCtxGetCurrent) X(cuCtxSynchronize) X(cuGetErrorName) X(     \
          cuStreamCreate) X(cuStreamDestroy) X(cuStreamSynchronize) X(cuStreamQuery) X(cuStreamBeginCapture)           \
          X(cuStreamBeginCaptureToGraph) X(cuStreamEndCapture) X(cuStreamGetCaptureInfo) X(cuModuleLoadData) X(        \
              cuModuleUnload) X(cuModuleGetFunction) X(cuModuleGetGlobal) X(cuLibraryGetGlobal) X(cuKernelGetFunction) \
              X(cuKernelGetLibrary) X(cuFuncGetName) X(cuFuncGetModule) X(cuFuncGetParamInfo) X(cuFuncGetAttribute)    \
                  X(cuFuncSetAttribute) X(cuGraphCreate) X(cuGraphDestroy) X(cuGraphGetNodes) X(cuGraphNodeGetType) X( \
                      cuGraphGetEdges) X(cuGraphAddDependencies) X(cuGraphKernelNodeGetParams) X(cuGraphAddKernelNode) \
                      X(cuGraphKernelNodeGetAttribute) X(cuGraphKernelNodeSetAttribute) X(cuGraphMemsetNodeGetParams)  \
                          X(cuGraphAddMemsetNode) X(cuGraphMemcpyNodeGetParams) X(cuGraphAddMemcpyNode)                \
                              X(cuGraphAddEmptyNode) X(cuGraphInstantiate) X(cuGraphExecDestroy) X(cuGraphUpload)      \
                                  X(cuGraphLaunch) X(cuGraphExecKernelNodeSetParams) X(cuMemAlloc) X(cuMemFree)        \
                                      X(cuMemcpyDtoH) X(cuMemcpyHtoD) X(cuMemcpyDtoHAsync) X(cuMemcpyHtoDAsync)        \
                                          X(cuMemcpyDtoDAsync) X(cuMemsetD8) X(cuMemsetD8Async) X(cuMemAddressReserve) \
                                              X(cuMemAddressFree) X(cuMemCreate) X(cuMemRelease) X(cuMemMap)           \
                                                  X(cuMemUnmap) X(cuMemSetAccess) X(cuMemExportToShareableHandle)      \
                                                      X(cuMemImportFromShareableHandle)                                \
                                                          X(cuMemGetAllocationGranularity) X(cuMemGetAddressRange)     \
                                                              X(cuMemGetInfo) X(cuPointerGetAttribute)                 \
                                                                  X(cuLaunchKernel) X(cuEventCreate) X(cuEventDestroy) \
                                                                      X(cuEventRecord) X(cuEventElapsedTime) X(cuOccupancyMaxActiveBlocksPerMultiprocessor)
// clang-format on

/// libcuda's functions, found at run time: our executables start, and say so, on a machine without a driver.
struct Driver {
#define CRUCIBLE_DRIVER_MEMBER(name) decltype(&::name) name = nullptr;
  CRUCIBLE_DRIVER_ENTRIES(CRUCIBLE_DRIVER_MEMBER)
#undef CRUCIBLE_DRIVER_MEMBER
};

/// The process's driver, loaded and initialised once. Throws std::runtime_error when there is none ("no CUDA driver:
/// …").
const Driver& driver();

/// Whether a driver and at least one device are here; never throws. The reason is left in `why` when not null.
bool cuda_available(std::string* why = nullptr);

/// Throws CudaError unless `result` is CUDA_SUCCESS.
void check(CUresult result, const char* call);
#define CRUCIBLE_CUDA(name, ...) ::crucible::check(::crucible::driver().name(__VA_ARGS__), #name)

}  // namespace crucible
