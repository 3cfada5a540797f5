#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "env/task/call.h"
#include "env/task/rows.h"

namespace crucible {

/// DLPack's type code and width of an element.
struct DLPackType {
  std::uint8_t code = 0;
  std::uint8_t bits = 0;
};
DLPackType dlpack_type(DType dtype);

/// Calls visit(byte offset in the storage, bytes) for every contiguous run of a tensor, in row-major order. Nothing for
/// an empty tensor.
template <class Visit>
void for_each_run(const TensorLayout& tensor, Visit&& visit) {
  const std::size_t element = size_of(tensor.dtype);
  for_each_row(tensor, [&](const TensorRow& row) {
    if (row.length == 1 || row.byte_stride == static_cast<std::ptrdiff_t>(element)) {
      visit(static_cast<std::size_t>(row.byte_offset), row.length * element);
      return;
    }
    for (std::size_t i = 0; i < row.length; ++i)
      visit(static_cast<std::size_t>(row.byte_offset + static_cast<std::ptrdiff_t>(i) * row.byte_stride), element);
  });
}

/// A contiguous piece of a tensor in its storage.
struct Segment {
  std::size_t offset = 0;
  std::size_t bytes = 0;
};

/// The parts of one tensor that a task's row symmetry moves: part r is segments [r·n, (r+1)·n) with n = segments per
/// part.
struct Parts {
  std::size_t count = 1;
  std::vector<Segment> segments;  ///< in row-major order, cut at the borders of the parts
  DType dtype = DType::f32;
  std::size_t per_part() const { return segments.size() / count; }
};

/// Cuts a tensor into `count` equal parts along its leading dimensions; its elements must divide evenly.
Parts parts_of(const TensorLayout& tensor, std::size_t count);

/// to[part r] = from[part order[r]], both in the tensor's layout; signs flipped on demand (floating types only). An
/// empty `order` keeps the order.
void permute_parts(const Parts& parts, const std::byte* from, std::byte* to, const std::vector<std::uint32_t>& order,
                   bool negate);

/// The inverse: to[part order[r]] = from[part r].
void unpermute_parts(const Parts& parts, const std::byte* from, std::byte* to, const std::vector<std::uint32_t>& order,
                     bool negate);

/// Two columns that change places.
struct ColumnSwap {
  std::uint32_t first = 0;
  std::uint32_t second = 0;
};

/// Exchanges columns in every row of a tensor, in each of its blocks of `columns`. Swaps of disjoint columns undo
/// themselves.
void swap_columns(const TensorLayout& tensor, std::size_t columns, const std::vector<ColumnSwap>& swaps,
                  std::byte* storage);

/// Rounds `count` doubles to `dtype` (floating types only) at `to`.
void encode_values(const double* values, std::size_t count, DType dtype, std::byte* to);

/// Names for messages: the tensors that live in a storage.
std::string storage_name(const CallLayout& layout, std::size_t storage);
std::string describe_bytes(const CallLayout& layout, std::size_t storage);

}  // namespace crucible
