#pragma once

#include <string>

#include "env/sha256.h"

namespace crucible {

/// A file's text with the digest of its body as the first line: what a disk, a crash or a hand has done to a number
/// must not be paid.
inline std::string with_digest(const std::string& body) { return to_hex(sha256(body)) + '\n' + body; }

/// The body of such a text; empty when it is torn, damaged or of another kind.
inline std::string checked_body(const std::string& text) {
  const std::size_t end = text.find('\n');
  if (end == std::string::npos) return {};
  std::string body = text.substr(end + 1);
  return text.compare(0, end, to_hex(sha256(body))) == 0 ? body : std::string();
}

}  // namespace crucible
