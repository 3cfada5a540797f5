#include "env/base64.h"

#include <array>
#include <cstdint>

namespace crucible {
namespace {

constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

}  // namespace

std::string base64_encode(std::string_view bytes) {
  std::string text;
  text.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const std::size_t have = std::min<std::size_t>(3, bytes.size() - i);
    std::uint32_t word = 0;
    for (std::size_t j = 0; j < 3; ++j) word = word << 8 | (j < have ? static_cast<std::uint8_t>(bytes[i + j]) : 0u);
    for (std::size_t j = 0; j < 4; ++j) text.push_back(j <= have ? kAlphabet[word >> (18 - 6 * j) & 63] : '=');
  }
  return text;
}

std::optional<std::string> base64_decode(std::string_view text) {
  if (text.size() % 4 != 0) return std::nullopt;
  std::string bytes;
  bytes.reserve(text.size() / 4 * 3);
  for (std::size_t i = 0; i < text.size(); i += 4) {
    std::size_t digits = 4;
    if (i + 4 == text.size() && text[i + 3] == '=') digits = text[i + 2] == '=' ? 2 : 3;
    std::uint32_t word = 0;
    for (std::size_t j = 0; j < 4; ++j) {
      const std::size_t digit = j < digits ? kAlphabet.find(text[i + j]) : 0;
      if (digit == std::string_view::npos) return std::nullopt;
      word = word << 6 | static_cast<std::uint32_t>(digit);
    }
    if ((digits == 2 && (word & 0xffff) != 0) || (digits == 3 && (word & 0xff) != 0)) return std::nullopt;
    for (std::size_t j = 0; j + 1 < digits; ++j) bytes.push_back(static_cast<char>(word >> (16 - 8 * j) & 0xff));
  }
  return bytes;
}

bool is_utf8(std::string_view bytes) {
  std::size_t i = 0;
  while (i < bytes.size()) {
    const auto lead = static_cast<std::uint8_t>(bytes[i++]);
    if (lead < 0x80) continue;
    int more = 0;
    std::uint32_t point = 0, least = 0;
    if (lead >= 0xc2 && lead < 0xe0)
      more = 1, point = lead & 0x1f, least = 0x80;
    else if (lead >= 0xe0 && lead < 0xf0)
      more = 2, point = lead & 0x0f, least = 0x800;
    else if (lead >= 0xf0 && lead < 0xf5)
      more = 3, point = lead & 0x07, least = 0x10000;
    else
      return false;
    for (; more > 0; --more) {
      if (i == bytes.size()) return false;
      const auto next = static_cast<std::uint8_t>(bytes[i++]);
      if ((next & 0xc0) != 0x80) return false;
      point = point << 6 | (next & 0x3f);
    }
    if (point < least || point > 0x10ffff || (point >= 0xd800 && point < 0xe000)) return false;
  }
  return true;
}

}  // namespace crucible
