#include "library.h"

#include <dlfcn.h>
#include <glob.h>
#include <stdlib.h>

#include <string>
#include <vector>

namespace cublaslt {
namespace {

/// Where the library may be: CRUCIBLE_CUBLASLT, the loader's own places, toolkits, and Python's packages.
std::vector<std::string> places() {
  std::vector<std::string> all;
  if (const char* chosen = ::getenv("CRUCIBLE_CUBLASLT"); chosen != nullptr && *chosen != '\0')
    all.emplace_back(chosen);
  for (const char* name : {"libcublasLt.so.13", "libcublasLt.so.12"}) all.emplace_back(name);
  for (const char* pattern :
       {"/usr/local/cuda*/lib64/libcublasLt.so.1[23]", "/usr/lib/x86_64-linux-gnu/libcublasLt.so.1[23]",
        "/opt/*/.venv/lib/python3*/site-packages/nvidia/*/lib/libcublasLt.so.1[23]",
        "/opt/*/lib/python3*/site-packages/nvidia/*/lib/libcublasLt.so.1[23]",
        "/usr/local/lib/python3*/*-packages/nvidia/*/lib/libcublasLt.so.1[23]",
        "/usr/lib/python3*/*-packages/nvidia/*/lib/libcublasLt.so.1[23]"}) {
    glob_t found = {};
    if (::glob(pattern, 0, nullptr, &found) == 0)
      for (std::size_t i = found.gl_pathc; i-- > 0;) all.emplace_back(found.gl_pathv[i]);
    ::globfree(&found);
  }
  return all;
}

template <class F>
bool find(void* library, const char* name, F*& function) {
  function = reinterpret_cast<F*>(::dlsym(library, name));
  return function != nullptr;
}

Functions load() {
  for (const std::string& place : places()) {
    void* library = ::dlopen(place.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (library == nullptr) continue;
    Functions f;
    if (find(library, "cublasLtCreate", f.create) && find(library, "cublasLtMatmulDescCreate", f.operation_create) &&
        find(library, "cublasLtMatmulDescSetAttribute", f.operation_set) &&
        find(library, "cublasLtMatrixLayoutCreate", f.layout_create) &&
        find(library, "cublasLtMatmulPreferenceCreate", f.preference_create) &&
        find(library, "cublasLtMatmulPreferenceDestroy", f.preference_destroy) &&
        find(library, "cublasLtMatmulPreferenceSetAttribute", f.preference_set) &&
        find(library, "cublasLtMatmulAlgoGetHeuristic", f.offers) && find(library, "cublasLtMatmul", f.multiply))
      return f;
  }
  return {};
}

}  // namespace

const Functions& functions() {
  static const Functions instance = load();
  return instance;
}

}  // namespace cublaslt
