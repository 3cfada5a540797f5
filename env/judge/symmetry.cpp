#include "env/judge/symmetry.h"

#include <cstring>
#include <numeric>

#include "env/task/element.h"

namespace crucible {
namespace {

std::int64_t leading(const TensorLayout& tensor) {
  std::int64_t rows = 1;
  for (std::size_t i = 0; i + 1 < tensor.shape.size(); ++i) rows *= tensor.shape[i];
  return rows;
}

/// Byte offset of every row's first element, in row-major order of the leading dimensions.
std::vector<std::size_t> row_offsets(const TensorLayout& tensor) {
  std::vector<std::size_t> offsets;
  offsets.reserve(static_cast<std::size_t>(leading(tensor)));
  for_each_row(tensor, [&](const TensorRow& row) { offsets.push_back(static_cast<std::size_t>(row.byte_offset)); });
  return offsets;
}

void flip_signs(std::byte* at, std::size_t bytes, DType dtype) {
  if (dtype == DType::f32) {
    for (std::size_t i = 3; i < bytes; i += 4) at[i] ^= std::byte{0x80};
  } else if (dtype == DType::bf16 || dtype == DType::f16) {
    for (std::size_t i = 1; i < bytes; i += 2) at[i] ^= std::byte{0x80};
  }
}

void copy_rows(const TensorLayout& tensor, const std::byte* from, std::byte* to, const std::vector<std::uint32_t>& rows,
               bool negate, bool inverse) {
  if (tensor.element_count() == 0) return;
  if (!row_symmetric(tensor) || (rows.empty() && !negate)) {
    for_each_run(tensor,
                 [&](std::size_t offset, std::size_t bytes) { std::memcpy(to + offset, from + offset, bytes); });
    return;
  }
  const std::vector<std::size_t> offsets = row_offsets(tensor);
  const std::size_t run = static_cast<std::size_t>(tensor.shape.back()) * size_of(tensor.dtype);
  for (std::size_t r = 0; r < offsets.size(); ++r) {
    const std::size_t other = rows.empty() ? offsets[r] : offsets[rows[r]];
    const std::size_t source = inverse ? offsets[r] : other;
    const std::size_t target = inverse ? other : offsets[r];
    std::memcpy(to + target, from + source, run);
    if (negate) flip_signs(to + target, run, tensor.dtype);
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

bool row_symmetric(const TensorLayout& tensor) { return tensor.shape.size() >= 2; }

std::size_t symmetric_rows(const CallLayout& layout) {
  std::int64_t rows = -1;
  for (const Argument& argument : layout.arguments) {
    if (argument.kind != Argument::Kind::tensor || !row_symmetric(argument.tensor)) continue;
    const std::int64_t mine = leading(argument.tensor);
    if (rows >= 0 && rows != mine) return 1;
    rows = mine;
  }
  return rows < 1 ? 1 : static_cast<std::size_t>(rows);
}

void permute_rows(const TensorLayout& tensor, const std::byte* from, std::byte* to,
                  const std::vector<std::uint32_t>& rows, bool negate) {
  copy_rows(tensor, from, to, rows, negate, false);
}

void unpermute_rows(const TensorLayout& tensor, const std::byte* from, std::byte* to,
                    const std::vector<std::uint32_t>& rows, bool negate) {
  copy_rows(tensor, from, to, rows, negate, true);
}

void encode_values(const double* values, std::size_t count, DType dtype, std::byte* to) {
  for (std::size_t i = 0; i < count; ++i) store_element(dtype, to + i * size_of(dtype), values[i]);
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
