#include "env/package.h"

#include <cstdlib>
#include <filesystem>

namespace crucible {

std::string package_version() { return CRUCIBLE_VERSION; }

std::string package_configs(const std::string& libexec) {
  if (const char* configured = std::getenv("CRUCIBLE_CONFIGS"); configured != nullptr && *configured != '\0')
    return configured;
  return (std::filesystem::path(libexec).parent_path() / "_configs").lexically_normal().string();
}

}  // namespace crucible
