#include "sandbox/launcher/driver.h"

#include <dlfcn.h>

namespace crucible {
namespace {

std::string error_name(CUresult result) {
  const char* name = nullptr;
  const Driver& d = driver();
  if (d.cuGetErrorName(result, &name) != CUDA_SUCCESS || name == nullptr) return "error " + std::to_string(result);
  return name;
}

#define CRUCIBLE_EXPAND_AND_QUOTE(name) CRUCIBLE_QUOTE(name)
#define CRUCIBLE_QUOTE(name) #name

Driver load() {
  // The library stays loaded for the life of the process: its worker threads cannot be unloaded.
  void* library = ::dlopen("libcuda.so.1", RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) {
    const char* why = ::dlerror();
    throw std::runtime_error(std::string("no CUDA driver: ") + (why != nullptr ? why : "libcuda.so.1 not found"));
  }
  Driver d;
#define CRUCIBLE_DRIVER_LOOKUP(name)                                                              \
  d.name = reinterpret_cast<decltype(d.name)>(::dlsym(library, CRUCIBLE_EXPAND_AND_QUOTE(name))); \
  if (d.name == nullptr)                                                                          \
    throw std::runtime_error("no CUDA driver: it lacks " CRUCIBLE_EXPAND_AND_QUOTE(               \
        name) " (12.4 or later is "                                                               \
              "needed)");
  CRUCIBLE_DRIVER_ENTRIES(CRUCIBLE_DRIVER_LOOKUP)
#undef CRUCIBLE_DRIVER_LOOKUP
  const CUresult result = d.cuInit(0);
  if (result != CUDA_SUCCESS)
    throw std::runtime_error("no CUDA driver: cuInit failed with error " + std::to_string(result));
  return d;
}

}  // namespace

CudaError::CudaError(CUresult result, const std::string& call)
    : std::runtime_error(call + ": " + error_name(result)), result_(result) {}

const Driver& driver() {
  static const Driver loaded = load();
  return loaded;
}

bool cuda_available(std::string* why) {
  try {
    int count = 0;
    check(driver().cuDeviceGetCount(&count), "cuDeviceGetCount");
    if (count > 0) return true;
    if (why != nullptr) *why = "the CUDA driver reports no device";
  } catch (const std::exception& error) {
    if (why != nullptr) *why = error.what();
  }
  return false;
}

void check(CUresult result, const char* call) {
  if (result != CUDA_SUCCESS) throw CudaError(result, call);
}

}  // namespace crucible
