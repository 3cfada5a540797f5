#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "env/task/call.h"

namespace crucible {

/// One run of a tensor along its last dimension.
struct TensorRow {
  std::size_t index = 0;           ///< dense, row-major index of its first element
  std::ptrdiff_t byte_offset = 0;  ///< of its first element within the storage
  std::size_t length = 0;          ///< elements
  std::ptrdiff_t byte_stride = 0;  ///< between neighbouring elements
};

/// Calls `visit(TensorRow)` for every run along the last dimension, in row-major order. A tensor of no dimensions is
/// one element; an empty tensor has no rows.
template <class Visit>
void for_each_row(const TensorLayout& tensor, Visit visit) {
  if (tensor.element_count() == 0) return;
  const std::size_t dimensions = tensor.shape.size();
  const auto size = static_cast<std::ptrdiff_t>(size_of(tensor.dtype));
  TensorRow row;
  row.byte_offset = static_cast<std::ptrdiff_t>(tensor.byte_offset);
  row.length = dimensions == 0 ? 1 : static_cast<std::size_t>(tensor.shape.back());
  row.byte_stride = dimensions == 0 ? size : tensor.strides.back() * size;
  if (dimensions <= 1) {
    visit(row);
    return;
  }
  std::vector<std::int64_t> position(dimensions - 1, 0);
  for (;;) {
    visit(row);
    row.index += row.length;
    std::size_t axis = dimensions - 1;
    for (;;) {
      if (axis == 0) return;
      --axis;
      row.byte_offset += tensor.strides[axis] * size;
      if (++position[axis] < tensor.shape[axis]) break;
      row.byte_offset -= tensor.shape[axis] * tensor.strides[axis] * size;
      position[axis] = 0;
    }
  }
}

/// The elements as doubles, dense and row-major.
std::vector<double> read_dense(const TensorLayout& tensor, const std::byte* storage);
std::vector<double> read_dense(const CallView& view, std::size_t argument);

/// The integer elements, dense and row-major.
std::vector<std::int64_t> read_integers(const CallView& view, std::size_t argument);

}  // namespace crucible
