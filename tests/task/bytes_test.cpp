#include "env/task/bytes.h"

#include <doctest/doctest.h>

#include <set>

#include "env/task/rows.h"

namespace crucible {
namespace {

TensorLayout tensor(std::vector<std::int64_t> shape, std::vector<std::int64_t> strides, std::size_t byte_offset,
                    Access access = Access::input, std::size_t storage = 0) {
  return {DType::bf16, access, storage, byte_offset, std::move(shape), std::move(strides)};
}

/// The same by marking single bytes.
ByteRanges marked(const TensorLayout& t) {
  std::set<std::size_t> bytes;
  for (std::int64_t i = 0; i < t.shape[0]; ++i)
    for (std::int64_t j = 0; j < t.shape[1]; ++j)
      for (std::size_t b = 0; b < 2; ++b)
        bytes.insert(t.byte_offset + static_cast<std::size_t>(i * t.strides[0] + j * t.strides[1]) * 2 + b);
  ByteRanges ranges;
  for (const std::size_t byte : bytes) {
    if (!ranges.empty() && ranges.back().end == byte)
      ++ranges.back().end;
    else
      ranges.push_back({byte, byte + 1});
  }
  return ranges;
}

TEST_CASE("the bytes of a tensor, whatever its strides") {
  for (const TensorLayout& t : {tensor({3, 4}, {4, 1}, 0), tensor({3, 4}, {7, 1}, 6), tensor({3, 4}, {1, 3}, 2),
                                tensor({3, 4}, {1, 5}, 4), tensor({1, 1}, {1, 1}, 8)})
    CHECK(bytes_of(t) == marked(t));
  CHECK(bytes_of(tensor({0, 4}, {4, 1}, 0)).empty());
  CHECK(bytes_of(tensor({3, 0}, {0, 1}, 0)).empty());
}

TEST_CASE("what a call may change, what it is given, and where poison goes") {
  CallLayout layout;
  layout.storages = {{40, 64}, {8, 64}, {0, 64}};
  layout.arguments.resize(4);
  layout.arguments[0].tensor = tensor({2, 4}, {10, 1}, 0, Access::inout);  // bytes 0–8 and 20–28
  layout.arguments[1].tensor = tensor({2, 3}, {10, 1}, 8, Access::input);  // its sibling: 8–14 and 28–34
  layout.arguments[2].tensor = tensor({4, 1}, {1, 1}, 0, Access::output, 1);
  layout.arguments[3].tensor = tensor({0, 1}, {1, 1}, 0, Access::output, 2);
  const std::vector<ByteRanges> changeable = changeable_bytes(layout), given = given_bytes(layout);
  CHECK(changeable[0] == ByteRanges{{0, 8}, {20, 28}});
  CHECK(changeable[1] == ByteRanges{{0, 8}});
  CHECK(changeable[2].empty());
  CHECK(given[0] == ByteRanges{{0, 14}, {20, 34}});
  CHECK(given[1].empty());
  CHECK(complement(given[0], 40) == ByteRanges{{14, 20}, {34, 40}});
  CHECK(complement(changeable[0], 40) == ByteRanges{{8, 20}, {28, 40}});
  CHECK(complement({}, 3) == ByteRanges{{0, 3}});
  CHECK(complement({}, 0).empty());
}

TEST_CASE("rows come in row-major order with their places") {
  const TensorLayout t{DType::f32, Access::input, 0, 4, {2, 3, 2}, {2, 4, 1}};
  std::vector<std::ptrdiff_t> offsets;
  std::size_t next = 0;
  for_each_row(t, [&](const TensorRow& row) {
    CHECK(row.index == next);
    CHECK(row.length == 2);
    next += row.length;
    offsets.push_back(row.byte_offset);
  });
  CHECK(offsets == std::vector<std::ptrdiff_t>{4, 20, 36, 12, 28, 44});
}

}  // namespace
}  // namespace crucible
