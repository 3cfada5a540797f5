// A correct, slow gemm_gelu: one dot product at a time, in double.
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

}  // namespace

extern "C" int gemm_gelu(DLTensor* out, const DLTensor* a, const DLTensor* b, const DLTensor* bias, void*) {
  const std::int64_t depth = a->shape[1];
  for (std::int64_t m = 0; m < out->shape[0]; ++m) {
    for (std::int64_t n = 0; n < out->shape[1]; ++n) {
      double z = bias != nullptr ? load(bias, n) : 0.0;
      for (std::int64_t k = 0; k < depth; ++k)
        z += static_cast<double>(load(a, m * a->strides[0] + k * a->strides[1])) *
             load(b, k * b->strides[0] + n * b->strides[1]);
      const double inner = std::sqrt(2 / 3.14159265358979323846) * (z + 0.044715 * z * z * z);
      store(out, m * out->strides[0] + n, static_cast<float>(0.5 * z * (1 + std::tanh(inner))));
    }
  }
  return 0;
}
