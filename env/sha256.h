#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace crucible {

using Sha256Digest = std::array<std::uint8_t, 32>;

/// SHA-256 (FIPS 180-4), fed piece by piece. finish() may be called once.
class Sha256 {
 public:
  Sha256& update(std::string_view bytes);
  Sha256Digest finish();

 private:
  void compress(const std::uint8_t* block);

  std::array<std::uint32_t, 8> state_ = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                         0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
  std::array<std::uint8_t, 64> pending_{};
  std::uint64_t length_ = 0;
};

/// SHA-256 of `bytes`.
Sha256Digest sha256(std::string_view bytes);

/// HMAC-SHA256 (RFC 2104) of `message` under `key`, both of any length.
Sha256Digest hmac_sha256(std::string_view key, std::string_view message);
Sha256Digest hmac_sha256(const Sha256Digest& key, std::string_view message);

/// 64 lower-case hexadecimal digits.
std::string to_hex(const Sha256Digest& digest);

}  // namespace crucible
