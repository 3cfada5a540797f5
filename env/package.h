#pragma once

#include <string>

namespace crucible {

/// Version of this library, "0.1.0".
std::string package_version();

/// The configuration folder of the package: CRUCIBLE_CONFIGS, else _configs beside `libexec`, the folder of helper
/// executables.
std::string package_configs(const std::string& libexec);

}  // namespace crucible
