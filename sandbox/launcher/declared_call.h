#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace crucible {

/// One argument of a declared launch; its width is the kernel's own.
struct DeclaredArgument {
  enum class Kind : std::uint32_t {
    tensor,   ///< address of the first element of argument `integer` of the call; null where it is absent
    integer,  ///< `integer`
    real,     ///< `real`
  } kind = Kind::integer;
  std::int64_t integer = 0;
  double real = 0;
};

/// A launch that a text of device code declares, for one call.
struct DeclaredLaunch {
  std::string function;  ///< the kernel's name in the module
  std::array<std::uint32_t, 3> grid{1, 1, 1};
  std::array<std::uint32_t, 3> block{1, 1, 1};
  std::array<std::uint32_t, 3> cluster{0, 0, 0};  ///< 0: none
  std::uint32_t shared_bytes = 0;
  std::vector<DeclaredArgument> arguments;
};

/// All launches of one call, one after another. Launches with an empty grid or block are none.
struct DeclaredCall {
  std::vector<DeclaredLaunch> launches;
};

std::vector<std::byte> encode(const DeclaredCall& call);
DeclaredCall decode_declared_call(std::span<const std::byte> bytes);  ///< throws WireError

}  // namespace crucible
