#include "env/baseline/openblas/library.h"

#include <dlfcn.h>

#include <cstdlib>
#include <string>

#include "env/baseline/tensor.h"

namespace crucible::baseline::openblas {
namespace {

Library loaded;
bool usable = false;

/// A choice made by the user is kept.
void choose_processor_type() {
#if defined(__x86_64__)
  __builtin_cpu_init();
  const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  const bool avx512 = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                      __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq");
  if (avx512)
    setenv("OPENBLAS_CORETYPE", "SkylakeX", 0);
  else if (avx2)
    setenv("OPENBLAS_CORETYPE", "Haswell", 0);
#endif
}

template <class Function>
bool resolve(void* handle, const char* name, Function& function) {
  function = reinterpret_cast<Function>(dlsym(handle, name));
  return function != nullptr;
}

/// Before main, or before dlopen returns: the first call must not pay for loading.
[[gnu::constructor]] void load() {
  choose_processor_type();
  void* handle = dlopen(CRUCIBLE_OPENBLAS_SONAME, RTLD_NOW | RTLD_LOCAL);
  if (handle == nullptr) return;
  usable = resolve(handle, "cblas_sgemm", loaded.sgemm) && resolve(handle, "cblas_sgemv", loaded.sgemv) &&
           resolve(handle, "openblas_set_num_threads", loaded.set_num_threads) &&
           resolve(handle, "openblas_get_config", loaded.config) &&
           resolve(handle, "openblas_get_corename", loaded.core);
}

}  // namespace

const Library* library() { return usable ? &loaded : nullptr; }

}  // namespace crucible::baseline::openblas

CRUCIBLE_BASELINE_EXPORT const char* crucible_baseline_name(void) { return "openblas"; }

CRUCIBLE_BASELINE_EXPORT const char* crucible_baseline_version(void) {
  static const std::string text = [] {
    const auto* library = crucible::baseline::openblas::library();
    if (library == nullptr) return std::string("not loaded");
    return std::string(library->config()) + " " + library->core();
  }();
  return text.c_str();
}
