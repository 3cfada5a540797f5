#pragma once

#include <cstddef>
#include <vector>

#include "env/task/call.h"

namespace crucible {

/// Bytes [begin, end) of a storage.
struct ByteRange {
  std::size_t begin = 0;
  std::size_t end = 0;
  friend bool operator==(const ByteRange&, const ByteRange&) = default;
};

/// Disjoint, ascending, not adjacent.
using ByteRanges = std::vector<ByteRange>;

/// The bytes of one tensor's elements.
ByteRanges bytes_of(const TensorLayout& tensor);

/// Per storage: the bytes that a call may change, those of output and inout tensors. Every other byte must be the same
/// after the call.
std::vector<ByteRanges> changeable_bytes(const CallLayout& layout);

/// Per storage: the bytes that must hold given values before the call, those of input and inout tensors.
std::vector<ByteRanges> given_bytes(const CallLayout& layout);

/// The bytes of [0, size) that lie in none of `ranges`. `complement(given_bytes(l)[i], l.storages[i].bytes)` is where
/// poison goes: outputs, and what belongs to no tensor.
ByteRanges complement(const ByteRanges& ranges, std::size_t size);

}  // namespace crucible
