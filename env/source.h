#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace crucible {

inline constexpr std::size_t kMaxSourceBytes = 1u << 20;

/// Why `source` is refused before compiling (empty, > 1 MiB, NUL, not UTF-8), in one sentence; empty when it is text.
std::optional<std::string> malformed(std::string_view source);

/// The text a compiler gets: without a byte order mark, lines ended by LF.
std::string normalised_text(std::string_view source);

}  // namespace crucible
