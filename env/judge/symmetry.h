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

/// Whether the task's row symmetry moves this tensor: it has rows, that is, at least two dimensions.
bool row_symmetric(const TensorLayout& tensor);

/// Number of rows (product of the leading dimensions) that the row-symmetric tensors of a call share; 1 when there is
/// no such tensor or they disagree.
std::size_t symmetric_rows(const CallLayout& layout);

/// to[row r] = from[row rows[r]], both in the tensor's layout; negated (sign bits flipped) on demand. An empty `rows`
/// keeps the order.
void permute_rows(const TensorLayout& tensor, const std::byte* from, std::byte* to,
                  const std::vector<std::uint32_t>& rows, bool negate);

/// The inverse: to[row rows[r]] = from[row r]. Tensors that are not row-symmetric are copied.
void unpermute_rows(const TensorLayout& tensor, const std::byte* from, std::byte* to,
                    const std::vector<std::uint32_t>& rows, bool negate);

/// Rounds `count` doubles to `dtype` (floating types only) at `to`.
void encode_values(const double* values, std::size_t count, DType dtype, std::byte* to);

/// Names for messages: the tensors that live in a storage.
std::string storage_name(const CallLayout& layout, std::size_t storage);
std::string describe_bytes(const CallLayout& layout, std::size_t storage);

}  // namespace crucible
