#include "env/source.h"

#include <algorithm>

#include "env/base64.h"

namespace crucible {

std::optional<std::string> malformed(std::string_view source) {
  if (source.size() > kMaxSourceBytes)
    return "the source has " + std::to_string(source.size()) + " bytes; " + std::to_string(kMaxSourceBytes) +
           " are allowed";
  const std::size_t nul = source.find('\0');
  if (nul != std::string_view::npos) return "the source holds a NUL byte at offset " + std::to_string(nul);
  if (!is_utf8(source)) return "the source is not UTF-8 text";
  const std::string text = normalised_text(source);
  if (std::all_of(text.begin(), text.end(), [](char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }))
    return "the source is empty";
  return std::nullopt;
}

std::string normalised_text(std::string_view source) {
  if (source.substr(0, 3) == "\xEF\xBB\xBF") source.remove_prefix(3);
  std::string text;
  text.reserve(source.size() + 1);
  for (std::size_t i = 0; i < source.size(); ++i) {
    if (source[i] == '\r' && i + 1 < source.size() && source[i + 1] == '\n') continue;
    text.push_back(source[i]);
  }
  if (text.empty() || text.back() != '\n') text.push_back('\n');
  return text;
}

}  // namespace crucible
