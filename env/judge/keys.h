#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace crucible {

using Key = std::array<std::uint8_t, 32>;

/// HMAC-SHA256(secret, parts joined with a separator that no part contains). DESIGN.md, "Seeds".
Key derive_key(std::string_view secret, std::initializer_list<std::string_view> parts);

/// A small deterministic generator (SplitMix64 seeded from a key) for the judge's own choices: order, symmetry, poison,
/// sample positions. Not for data.
class Choice {
 public:
  explicit Choice(const Key& key);
  explicit Choice(std::uint64_t seed) : state_(seed) {}
  std::uint64_t next();
  /// Uniform in [0, bound); bound > 0.
  std::uint64_t below(std::uint64_t bound);
  bool coin() { return (next() & 1) != 0; }

 private:
  std::uint64_t state_;
};

}  // namespace crucible
