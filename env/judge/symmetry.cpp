#include "env/judge/symmetry.h"

#include <algorithm>
#include <cstring>

#include "env/task/element.h"
#include "env/task/vectorize.h"

namespace crucible {
namespace {

/// The sign bits of eight bytes full of `dtype`.
std::uint64_t sign_bits(DType dtype) {
  if (dtype == DType::f32) return 0x8000000080000000ull;
  if (dtype == DType::bf16 || dtype == DType::f16) return 0x8000800080008000ull;
  return 0;
}

/// Copies whole elements and flips the bits of `mask` in them, in one pass.
CRUCIBLE_VECTORIZE void copy_flipped(std::byte* to, const std::byte* from, std::size_t bytes, std::uint64_t mask) {
  std::size_t i = 0;
  for (; i + 8 <= bytes; i += 8) {
    std::uint64_t word;
    __builtin_memcpy(&word, from + i, 8);
    word ^= mask;
    __builtin_memcpy(to + i, &word, 8);
  }
  std::uint64_t word = 0;
  __builtin_memcpy(&word, from + i, bytes - i);
  word ^= mask;
  __builtin_memcpy(to + i, &word, bytes - i);
}

template <std::size_t kElement>
void swap_in_row(std::byte* row, std::ptrdiff_t stride, std::size_t block, const std::vector<ColumnSwap>& swaps) {
  for (const ColumnSwap& swap : swaps) {
    std::byte* a = row + static_cast<std::ptrdiff_t>(block + swap.first) * stride;
    std::byte* b = row + static_cast<std::ptrdiff_t>(block + swap.second) * stride;
    std::byte one[kElement], other[kElement];
    std::memcpy(one, a, kElement);
    std::memcpy(other, b, kElement);
    std::memcpy(a, other, kElement);
    std::memcpy(b, one, kElement);
  }
}

void copy_parts(const Parts& parts, const std::byte* from, std::byte* to, const std::vector<std::uint32_t>& order,
                bool negate, bool inverse) {
  const std::size_t n = parts.per_part();
  const std::uint64_t mask = negate ? sign_bits(parts.dtype) : 0;
  for (std::size_t r = 0; r < parts.count; ++r) {
    const std::size_t other = order.empty() ? r : order[r];
    const Segment* source = parts.segments.data() + (inverse ? r : other) * n;
    const Segment* target = parts.segments.data() + (inverse ? other : r) * n;
    for (std::size_t i = 0; i < n; ++i) {
      if (mask != 0)
        copy_flipped(to + target[i].offset, from + source[i].offset, source[i].bytes, mask);
      else
        std::memcpy(to + target[i].offset, from + source[i].offset, source[i].bytes);
    }
  }
}

}  // namespace

DLPackType dlpack_type(DType dtype) {
  switch (dtype) {
    case DType::f32:
      return {2, 32};
    case DType::f16:
      return {2, 16};
    case DType::bf16:
      return {4, 16};
    case DType::f8e4m3:
      return {10, 8};
    case DType::i32:
      return {0, 32};
    case DType::i64:
      return {0, 64};
  }
  return {};
}

Parts parts_of(const TensorLayout& tensor, std::size_t count) {
  Parts parts;
  parts.dtype = tensor.dtype;
  const auto elements = static_cast<std::size_t>(tensor.element_count());
  if (count == 0 || elements == 0 || elements % count != 0) count = 1;
  parts.count = count;
  const std::size_t part_bytes = elements / count * size_of(tensor.dtype);
  std::size_t filled = 0;  // bytes of the current part so far
  for_each_run(tensor, [&](std::size_t offset, std::size_t bytes) {
    while (bytes > 0) {
      const std::size_t piece = std::min(bytes, part_bytes - filled);
      parts.segments.push_back({offset, piece});
      offset += piece;
      bytes -= piece;
      filled = (filled + piece) % part_bytes;
    }
  });
  return parts;
}

void permute_parts(const Parts& parts, const std::byte* from, std::byte* to, const std::vector<std::uint32_t>& order,
                   bool negate) {
  copy_parts(parts, from, to, order, negate, false);
}

void unpermute_parts(const Parts& parts, const std::byte* from, std::byte* to, const std::vector<std::uint32_t>& order,
                     bool negate) {
  copy_parts(parts, from, to, order, negate, true);
}

void swap_columns(const TensorLayout& tensor, std::size_t columns, const std::vector<ColumnSwap>& swaps,
                  std::byte* storage) {
  const std::size_t element = size_of(tensor.dtype);
  for_each_row(tensor, [&](const TensorRow& row) {
    std::byte* at = storage + row.byte_offset;
    for (std::size_t block = 0; block + columns <= row.length; block += columns) {
      if (element == 1) swap_in_row<1>(at, row.byte_stride, block, swaps);
      if (element == 2) swap_in_row<2>(at, row.byte_stride, block, swaps);
      if (element == 4) swap_in_row<4>(at, row.byte_stride, block, swaps);
      if (element == 8) swap_in_row<8>(at, row.byte_stride, block, swaps);
    }
  });
}

void encode_values(const double* values, std::size_t count, DType dtype, std::byte* to) {
  // The two types of the cpu backend at memory speed: poison and trivial programs need no single rounding.
  if (dtype == DType::f32) {
    for (std::size_t i = 0; i < count; ++i) {
      const auto value = static_cast<float>(values[i]);
      std::memcpy(to + 4 * i, &value, 4);
    }
  } else if (dtype == DType::bf16) {
    for (std::size_t i = 0; i < count; ++i) {
      const std::uint16_t bits = float_to_bf16(static_cast<float>(values[i]));
      std::memcpy(to + 2 * i, &bits, 2);
    }
  } else {
    for (std::size_t i = 0; i < count; ++i) store_element(dtype, to + i * size_of(dtype), values[i]);
  }
}

std::string storage_name(const CallLayout& layout, std::size_t storage) {
  std::string name;
  for (const Argument& argument : layout.arguments) {
    if (argument.kind != Argument::Kind::tensor || argument.tensor.storage != storage) continue;
    if (!name.empty()) name += " and ";
    name += argument.name;
  }
  return name.empty() ? "storage " + std::to_string(storage) : name;
}

std::string describe_bytes(const CallLayout& layout, std::size_t storage) {
  bool all_inputs = true;
  for (const Argument& argument : layout.arguments)
    if (argument.kind == Argument::Kind::tensor && argument.tensor.storage == storage)
      all_inputs = all_inputs && argument.tensor.access == Access::input;
  return (all_inputs ? "the input " : "bytes beside ") + storage_name(layout, storage);
}

}  // namespace crucible
