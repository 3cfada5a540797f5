#pragma once

#include <string>
#include <vector>

namespace crucible {

/// The cores this process may use, ascending; never empty.
std::vector<int> allowed_cpus();

/// "AMD EPYC 9B45, 2 cores": processor name and the number of cores this process may use.
std::string cpu_device_name();

}  // namespace crucible
