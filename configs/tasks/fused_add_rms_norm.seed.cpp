// A correct, slow fused_add_rms_norm: one element at a time, sums in double.
#include <crucible/kernel.h>

#include <cmath>
#include <cstdint>
#include <cstring>

namespace {

bool is_bf16(const DLTensor* tensor) { return tensor->dtype.code == kDLBfloat; }

/// Reads element `index` (in elements from the tensor's first) as float.
float load(const DLTensor* tensor, std::int64_t index) {
  const char* first = static_cast<const char*>(tensor->data) + tensor->byte_offset;
  if (!is_bf16(tensor)) return reinterpret_cast<const float*>(first)[index];
  const std::uint32_t bits = static_cast<std::uint32_t>(reinterpret_cast<const std::uint16_t*>(first)[index]) << 16;
  float value;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

/// Writes element `index`, rounded to nearest even.
void store(DLTensor* tensor, std::int64_t index, float value) {
  char* first = static_cast<char*>(tensor->data) + tensor->byte_offset;
  if (!is_bf16(tensor)) {
    reinterpret_cast<float*>(first)[index] = value;
    return;
  }
  std::uint32_t bits;
  std::memcpy(&bits, &value, sizeof bits);
  const bool is_nan = (bits & 0x7fffffffu) > 0x7f800000u;
  bits = is_nan ? (bits >> 16) | 0x40u : (bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16;
  reinterpret_cast<std::uint16_t*>(first)[index] = static_cast<std::uint16_t>(bits);
}

/// Number of rows: the product of all dimensions but the last.
std::int64_t row_count(const DLTensor* tensor) {
  std::int64_t rows = 1;
  for (int axis = 0; axis + 1 < tensor->ndim; ++axis) rows *= tensor->shape[axis];
  return rows;
}

/// Where row `row` begins, in elements; strides may be anything.
std::int64_t row_start(const DLTensor* tensor, std::int64_t row) {
  std::int64_t start = 0;
  for (int axis = tensor->ndim - 2; axis >= 0; --axis) {
    start += row % tensor->shape[axis] * tensor->strides[axis];
    row /= tensor->shape[axis];
  }
  return start;
}

}  // namespace

extern "C" int fused_add_rms_norm(DLTensor* input, DLTensor* residual, const DLTensor* weight, double epsilon, void*) {
  const std::int64_t width = input->shape[input->ndim - 1];
  if (width == 0) return 0;
  for (std::int64_t row = 0; row < row_count(input); ++row) {
    const std::int64_t in = row_start(input, row), sum = row_start(residual, row);
    double squares = 0;
    for (std::int64_t i = 0; i < width; ++i) {
      store(residual, sum + i, load(input, in + i) + load(residual, sum + i));
      const double x = load(residual, sum + i);  // as it was rounded
      squares += x * x;
    }
    const double scale = 1 / std::sqrt(squares / static_cast<double>(width) + epsilon);
    for (std::int64_t i = 0; i < width; ++i)
      store(input, in + i, static_cast<float>(load(residual, sum + i) * scale * load(weight, i)));
  }
  return 0;
}
