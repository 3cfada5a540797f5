#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace crucible {

/// Appends numbers and texts to a byte string; Unpacker reads them back in the same order. Both ends are the same
/// build.
class Packer {
 public:
  void number(std::uint64_t value);
  void text(std::string_view value);
  /// A count followed by the elements, each written by `write(element)`.
  template <typename Range, typename Write>
  void list(const Range& range, Write write) {
    number(range.size());
    for (const auto& element : range) write(element);
  }
  const std::string& bytes() const { return bytes_; }

 private:
  std::string bytes_;
};

/// Reads what a Packer wrote. Throws std::runtime_error when the bytes end early: never reads past them.
class Unpacker {
 public:
  explicit Unpacker(std::string_view bytes) : rest_(bytes) {}
  std::uint64_t number();
  std::string text();
  /// Calls `read()` as often as the count says; a count that the remaining bytes cannot hold throws.
  template <typename Read>
  void list(Read read) {
    const std::uint64_t count = bounded_count();
    for (std::uint64_t i = 0; i < count; ++i) read();
  }

 private:
  std::uint64_t bounded_count();
  std::string_view rest_;
};

}  // namespace crucible
