#include "env/judge/keys.h"

#include <cstring>

#include "env/sha256.h"

namespace crucible {

Key derive_key(std::string_view secret, std::initializer_list<std::string_view> parts) {
  std::string text;
  for (std::string_view part : parts) {
    text.append(part);
    text.push_back('\0');
  }
  return hmac_sha256(secret, text);
}

Choice::Choice(const Key& key) { std::memcpy(&state_, key.data(), sizeof state_); }

std::uint64_t Choice::next() {
  std::uint64_t z = (state_ += 0x9E3779B97F4A7C15ull);
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ull;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBull;
  return z ^ (z >> 31);
}

std::uint64_t Choice::below(std::uint64_t bound) {
  return static_cast<std::uint64_t>((static_cast<unsigned __int128>(next()) * bound) >> 64);
}

}  // namespace crucible
