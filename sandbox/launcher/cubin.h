#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace crucible {

/// A `__device__` or `__constant__` variable of a cubin, with the bytes it is loaded with (before relocation).
struct CubinGlobal {
  std::string name;
  std::vector<std::byte> initial;
};

/// What a cubin holds, read from its ELF tables.
struct CubinContents {
  std::vector<CubinGlobal> globals;  ///< local ones too
  std::vector<std::string> kernels;  ///< mangled names
};

/// Reads a cubin. Hostile text made it, so every offset is checked; throws std::runtime_error when it is no 64-bit ELF
/// file or when its tables lie outside it.
CubinContents read_cubin(std::span<const std::byte> cubin);

}  // namespace crucible
