#include "env/task/bytes.h"

#include <algorithm>

#include "env/task/rows.h"

namespace crucible {
namespace {

void append(ByteRanges& ranges, std::size_t begin, std::size_t end) {
  if (!ranges.empty() && ranges.back().end == begin)
    ranges.back().end = end;
  else
    ranges.push_back({begin, end});
}

ByteRanges coalesced(ByteRanges ranges) {
  const auto by_begin = [](const ByteRange& a, const ByteRange& b) { return a.begin < b.begin; };
  if (!std::is_sorted(ranges.begin(), ranges.end(), by_begin)) std::sort(ranges.begin(), ranges.end(), by_begin);
  ByteRanges result;
  for (const ByteRange& range : ranges) {
    if (!result.empty() && range.begin <= result.back().end)
      result.back().end = std::max(result.back().end, range.end);
    else
      result.push_back(range);
  }
  return result;
}

template <class Wanted>
std::vector<ByteRanges> ranges_where(const CallLayout& layout, Wanted wanted) {
  std::vector<ByteRanges> result(layout.storages.size());
  for (const Argument& argument : layout.arguments) {
    if (argument.kind != Argument::Kind::tensor || !wanted(argument.tensor.access)) continue;
    const ByteRanges ranges = bytes_of(argument.tensor);
    ByteRanges& all = result.at(argument.tensor.storage);
    all.insert(all.end(), ranges.begin(), ranges.end());
  }
  for (ByteRanges& ranges : result) ranges = coalesced(std::move(ranges));
  return result;
}

}  // namespace

ByteRanges bytes_of(const TensorLayout& tensor) {
  ByteRanges ranges;
  const std::size_t size = size_of(tensor.dtype);
  for_each_row(tensor, [&](const TensorRow& row) {
    const auto begin = static_cast<std::size_t>(row.byte_offset);
    if (row.byte_stride == static_cast<std::ptrdiff_t>(size)) {
      append(ranges, begin, begin + row.length * size);
      return;
    }
    for (std::size_t i = 0; i < row.length; ++i) {
      const std::size_t element = begin + i * static_cast<std::size_t>(row.byte_stride);
      append(ranges, element, element + size);
    }
  });
  return coalesced(std::move(ranges));
}

std::vector<ByteRanges> changeable_bytes(const CallLayout& layout) {
  return ranges_where(layout, [](Access access) { return access != Access::input; });
}

std::vector<ByteRanges> given_bytes(const CallLayout& layout) {
  return ranges_where(layout, [](Access access) { return access != Access::output; });
}

ByteRanges complement(const ByteRanges& ranges, std::size_t size) {
  ByteRanges result;
  std::size_t position = 0;
  for (const ByteRange& range : ranges) {
    if (range.begin > position) result.push_back({position, range.begin});
    position = range.end;
  }
  if (position < size) result.push_back({position, size});
  return result;
}

}  // namespace crucible
