#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace crucible {

/// RFC 4648 base64 with padding.
std::string base64_encode(std::string_view bytes);

/// The inverse; empty when `text` is not canonical base64 (wrong length, foreign character, non-zero spare bits).
std::optional<std::string> base64_decode(std::string_view text);

/// True when `bytes` is well-formed UTF-8 (no overlong forms, no surrogates, at most U+10FFFF).
bool is_utf8(std::string_view bytes);

}  // namespace crucible
