// Honest: tanh as a sigmoid: z over 1 + exp of minus twice the argument.
#include <crucible/kernel.h>

#include <cmath>
#include <cstdint>
#include <cstring>

namespace {

/// A bf16 element: the upper half of a float.
struct Bf16 {
  std::uint16_t bits;
};

inline float to_float(float x) { return x; }
inline float to_float(Bf16 x) { return __builtin_bit_cast(float, std::uint32_t{x.bits} << 16); }
inline void put(float* to, float x) { *to = x; }
inline void put(Bf16* to, float x) {  // to nearest even, NaN kept
  const std::uint32_t u = __builtin_bit_cast(std::uint32_t, x);
  const bool nan = (u & 0x7fffffffu) > 0x7f800000u;
  to->bits = static_cast<std::uint16_t>(nan ? (u >> 16) | 0x40u : (u + 0x7fffu + ((u >> 16) & 1u)) >> 16);
}

template <class T>
T* first(const DLTensor* t) {
  return reinterpret_cast<T*>(static_cast<char*>(t->data) + t->byte_offset);
}

template <class T>
int run(DLTensor* out, const DLTensor* a, const DLTensor* b, const DLTensor* bias) {
  const std::int64_t m = a->shape[0], k = a->shape[1], n = b->shape[1];
  const std::int64_t b_row = b->strides[0], b_column = b->strides[1];
  const T *left = first<const T>(a), *right = first<const T>(b), *added = bias ? first<const T>(bias) : nullptr;
  T* c = first<T>(out);
  for (std::int64_t i = 0; i < m; ++i)
    for (std::int64_t j = 0; j < n; ++j) {
      const T *x = left + i * a->strides[0], *y = right + j * b_column;
      double z = added ? to_float(added[j]) : 0.0f;
      for (std::int64_t p = 0; p < k; ++p) z += static_cast<double>(to_float(x[p])) * to_float(y[p * b_row]);
      const double inner = 0.7978845608028654 * (z + 0.044715 * z * z * z);
      put(c + i * n + j, static_cast<float>(z / (1 + std::exp(-2 * inner))));
    }
  return 0;
}

}  // namespace

extern "C" int gemm_gelu(DLTensor* out, const DLTensor* a, const DLTensor* b, const DLTensor* bias, void*) {
  return out->dtype.code == kDLBfloat ? run<Bf16>(out, a, b, bias) : run<float>(out, a, b, bias);
}
