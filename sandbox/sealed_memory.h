#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "sandbox/file_descriptor.h"

namespace crucible {

/// A memfd with these bytes, sealed against writing and resizing. Throws std::system_error.
FileDescriptor sealed_copy(const char* name, std::string_view bytes);

/// A writable memfd of `bytes` zero bytes, sealed against resizing and further seals: no process that maps it can make
/// another's access fault. Throws std::system_error.
FileDescriptor shared_memory(const char* name, std::size_t bytes);

/// The first `limit` bytes of a regular file or memfd, independent of its file offset. Throws std::system_error.
std::string read_all(int fd, std::size_t limit);

}  // namespace crucible
