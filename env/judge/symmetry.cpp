#include "env/judge/symmetry.h"

#include <algorithm>
#include <cstring>

#include "env/task/element.h"

namespace crucible {
namespace {

void flip_signs(std::byte* at, std::size_t bytes, DType dtype) {
  if (dtype == DType::f32) {
    for (std::size_t i = 3; i < bytes; i += 4) at[i] ^= std::byte{0x80};
  } else if (dtype == DType::bf16 || dtype == DType::f16) {
    for (std::size_t i = 1; i < bytes; i += 2) at[i] ^= std::byte{0x80};
  }
}

void copy_parts(const Parts& parts, const std::byte* from, std::byte* to, const std::vector<std::uint32_t>& order,
                bool negate, bool inverse) {
  const std::size_t n = parts.per_part();
  for (std::size_t r = 0; r < parts.count; ++r) {
    const std::size_t other = order.empty() ? r : order[r];
    const Segment* source = parts.segments.data() + (inverse ? r : other) * n;
    const Segment* target = parts.segments.data() + (inverse ? other : r) * n;
    for (std::size_t i = 0; i < n; ++i) {
      std::memcpy(to + target[i].offset, from + source[i].offset, source[i].bytes);
      if (negate) flip_signs(to + target[i].offset, target[i].bytes, parts.dtype);
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
    for (std::size_t block = 0; block + columns <= row.length; block += columns)
      for (const ColumnSwap& swap : swaps) {
        std::byte* a = storage + row.byte_offset + static_cast<std::ptrdiff_t>(block + swap.first) * row.byte_stride;
        std::byte* b = storage + row.byte_offset + static_cast<std::ptrdiff_t>(block + swap.second) * row.byte_stride;
        std::swap_ranges(a, a + element, b);
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
