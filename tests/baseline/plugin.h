#pragma once

#include <dlfcn.h>

#include <stdexcept>
#include <string>

#include "tests/reference/loaded_kernel.h"

namespace crucible {

/// A plug-in or kernel loaded into the test as a runner loads it.
class Plugin {
 public:
  explicit Plugin(const std::string& path) : handle_(dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL)) {
    if (handle_ == nullptr) throw std::runtime_error(dlerror());
  }
  ~Plugin() {
    if (handle_ != nullptr) dlclose(handle_);
  }
  Plugin(const Plugin&) = delete;
  Plugin& operator=(const Plugin&) = delete;

  /// The entry point of `task`; null when it has none.
  AnyKernel entry(const std::string& task) const { return reinterpret_cast<AnyKernel>(dlsym(handle_, task.c_str())); }

  /// The text that the exported function `function` returns.
  std::string text(const char* function) const {
    const auto found = reinterpret_cast<const char* (*)()>(dlsym(handle_, function));
    if (found == nullptr) throw std::runtime_error(std::string(function) + " is not exported");
    return found();
  }

 private:
  void* handle_;
};

inline std::string describe(const std::string& who, const std::string& task, const Case& a_case) {
  return who + " " + task + " " + a_case.workload->name + " " + std::string(to_string(a_case.workload->dtype)) + " " +
         a_case.family;
}

}  // namespace crucible
