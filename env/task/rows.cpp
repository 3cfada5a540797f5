#include "env/task/rows.h"

#include <cstring>

#include "env/task/element.h"

namespace crucible {

std::vector<double> read_dense(const TensorLayout& tensor, const std::byte* storage) {
  std::vector<double> values(static_cast<std::size_t>(tensor.element_count()));
  for_each_row(tensor, [&](const TensorRow& row) {
    const std::byte* element = storage + row.byte_offset;
    double* out = values.data() + row.index;
    if (tensor.dtype == DType::f32) {
      for (std::size_t i = 0; i < row.length; ++i, element += row.byte_stride) {
        float value;
        std::memcpy(&value, element, sizeof value);
        out[i] = value;
      }
    } else if (tensor.dtype == DType::bf16) {
      for (std::size_t i = 0; i < row.length; ++i, element += row.byte_stride) {
        std::uint16_t bits;
        std::memcpy(&bits, element, sizeof bits);
        out[i] = bf16_to_float(bits);
      }
    } else if (tensor.dtype == DType::f16) {
      for (std::size_t i = 0; i < row.length; ++i, element += row.byte_stride) {
        std::uint16_t bits;
        std::memcpy(&bits, element, sizeof bits);
        out[i] = f16_to_float(bits);
      }
    } else {
      for (std::size_t i = 0; i < row.length; ++i, element += row.byte_stride)
        out[i] = load_element(tensor.dtype, element);
    }
  });
  return values;
}

std::vector<double> read_dense(const CallView& view, std::size_t argument) {
  const TensorLayout& tensor = view.layout->arguments.at(argument).tensor;
  return read_dense(tensor, view.base.at(tensor.storage));
}

std::vector<std::int64_t> read_integers(const CallView& view, std::size_t argument) {
  const TensorLayout& tensor = view.layout->arguments.at(argument).tensor;
  const std::byte* storage = view.base.at(tensor.storage);
  std::vector<std::int64_t> values(static_cast<std::size_t>(tensor.element_count()));
  for_each_row(tensor, [&](const TensorRow& row) {
    const std::byte* element = storage + row.byte_offset;
    for (std::size_t i = 0; i < row.length; ++i, element += row.byte_stride)
      values[row.index + i] = load_integer(tensor.dtype, element);
  });
  return values;
}

}  // namespace crucible
