#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <vector>

namespace crucible {

/// Appends plain values to a byte string. Both ends are processes of one build on one machine: no byte order, no
/// version.
class WireWriter {
 public:
  template <class T>
  requires std::is_trivially_copyable_v<T>
  void value(const T& v) {
    const auto* at = reinterpret_cast<const std::byte*>(&v);
    bytes_.insert(bytes_.end(), at, at + sizeof v);
  }
  template <class T>
  requires std::is_trivially_copyable_v<T>
  void values(std::span<const T> v) {
    value(static_cast<std::uint64_t>(v.size()));
    const auto* at = reinterpret_cast<const std::byte*>(v.data());
    bytes_.insert(bytes_.end(), at, at + v.size_bytes());
  }
  template <class T>
  void values(const std::vector<T>& v) {
    values(std::span<const T>(v));
  }
  void text(const std::string& v) { values(std::span<const char>(v.data(), v.size())); }
  std::vector<std::byte> take() { return std::move(bytes_); }

 private:
  std::vector<std::byte> bytes_;
};

struct WireError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// Reads what WireWriter wrote, from hostile bytes: throws WireError instead of reading past the end or allocating more
/// than the input could hold.
class WireReader {
 public:
  explicit WireReader(std::span<const std::byte> bytes) : bytes_(bytes) {}
  template <class T>
  requires std::is_trivially_copyable_v<T> T value() {
    T v;
    std::memcpy(&v, take(sizeof v).data(), sizeof v);
    return v;
  }
  template <class T>
  requires std::is_trivially_copyable_v<T> std::vector<T> values(std::size_t at_most) {
    const std::size_t n = count(at_most);
    const std::span<const std::byte> raw = take(n * sizeof(T));
    std::vector<T> v(n);
    if (n != 0) std::memcpy(v.data(), raw.data(), raw.size());
    return v;
  }
  std::string text(std::size_t at_most) {
    const std::vector<char> v = values<char>(at_most);
    return {v.begin(), v.end()};
  }
  /// A length, at most `at_most`.
  std::size_t count(std::size_t at_most) {
    const auto n = value<std::uint64_t>();
    if (n > at_most) throw WireError("a length of " + std::to_string(n) + " exceeds " + std::to_string(at_most));
    return static_cast<std::size_t>(n);
  }
  bool at_end() const { return bytes_.empty(); }

 private:
  std::span<const std::byte> take(std::size_t n) {
    if (n > bytes_.size()) throw WireError("the message is too short");
    const std::span<const std::byte> taken = bytes_.first(n);
    bytes_ = bytes_.subspan(n);
    return taken;
  }
  std::span<const std::byte> bytes_;
};

}  // namespace crucible
