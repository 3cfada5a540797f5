#pragma once

#include <cstddef>
#include <string>

#include "sandbox/file_descriptor.h"

namespace crucible {

/// A sealed copy of what a jailed program left in its folder. Follows no link, takes only regular files with one name,
/// reads at most `max_bytes`. Empty when there is no such file.
FileDescriptor sealed_output_file(const std::string& folder, const std::string& name, std::size_t max_bytes);

}  // namespace crucible
