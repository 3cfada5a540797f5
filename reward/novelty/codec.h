#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

/// Little-endian bytes of novelty's stored values. A Reader never reads outside its text: it throws instead.
namespace crucible::novelty {

class Writer {
 public:
  void number(std::uint64_t value, int bytes) {
    for (int i = 0; i < bytes; ++i) out_.push_back(static_cast<char>((value >> (8 * i)) & 0xff));
  }
  void text(std::string_view value) {
    number(value.size(), 4);
    out_.append(value);
  }
  template <class T>
  void numbers(const std::vector<T>& values) {
    number(values.size(), 4);
    for (T v : values) number(v, sizeof(T));
  }
  std::string take() { return std::move(out_); }

 private:
  std::string out_;
};

class Reader {
 public:
  explicit Reader(std::string_view bytes) : bytes_(bytes) {}

  std::uint64_t number(int bytes) {
    need(static_cast<std::size_t>(bytes));
    std::uint64_t value = 0;
    for (int i = 0; i < bytes; ++i) value |= std::uint64_t{static_cast<unsigned char>(bytes_[at_ + i])} << (8 * i);
    at_ += static_cast<std::size_t>(bytes);
    return value;
  }
  std::string text() {
    const std::size_t size = number(4);
    need(size);
    std::string value(bytes_.substr(at_, size));
    at_ += size;
    return value;
  }
  template <class T>
  std::vector<T> numbers() {
    const std::size_t count = number(4);
    need(count * sizeof(T));
    std::vector<T> values(count);
    for (T& v : values) v = static_cast<T>(number(sizeof(T)));
    return values;
  }
  void expect_end() const {
    if (at_ != bytes_.size()) throw std::runtime_error("stored novelty data: bytes are left over");
  }

 private:
  void need(std::size_t count) const {
    if (count > bytes_.size() - at_) throw std::runtime_error("stored novelty data is truncated");
  }

  std::string_view bytes_;
  std::size_t at_ = 0;
};

}  // namespace crucible::novelty
