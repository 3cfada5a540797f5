#include "sandbox/packing.h"

#include <cstring>
#include <stdexcept>

namespace crucible {

void Packer::number(std::uint64_t value) {
  char raw[sizeof value];
  std::memcpy(raw, &value, sizeof value);
  bytes_.append(raw, sizeof value);
}

void Packer::text(std::string_view value) {
  number(value.size());
  bytes_.append(value);
}

std::uint64_t Unpacker::number() {
  std::uint64_t value = 0;
  if (rest_.size() < sizeof value) throw std::runtime_error("packed message ends early");
  std::memcpy(&value, rest_.data(), sizeof value);
  rest_.remove_prefix(sizeof value);
  return value;
}

std::string Unpacker::text() {
  const std::uint64_t size = number();
  if (size > rest_.size()) throw std::runtime_error("packed message ends early");
  std::string value(rest_.substr(0, size));
  rest_.remove_prefix(size);
  return value;
}

std::uint64_t Unpacker::bounded_count() {
  const std::uint64_t count = number();
  // Every element takes at least one number.
  if (count > rest_.size() / sizeof(std::uint64_t)) throw std::runtime_error("packed list is longer than its message");
  return count;
}

}  // namespace crucible
