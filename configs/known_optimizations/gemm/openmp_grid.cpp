// gemm: blocks of 32×64 outputs over the threads, dot products in 16 lanes within
// Technique after: ScaLAPACK-style two-dimensional partition of the output
#include <crucible/kernel.h>

#include <cmath>
#include <cstdint>
#include <cstring>
#include <vector>

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
  if (m == 0 || n == 0) return 0;
  const std::int64_t lda = a->strides[0], b_row = b->strides[0], b_column = b->strides[1];
  const T *left = first<const T>(a), *right = first<const T>(b), *added = bias ? first<const T>(bias) : nullptr;
  T* c = first<T>(out);

  const std::int64_t rows = (m + 31) / 32, columns = (n + 63) / 64;
#pragma omp parallel for collapse(2) schedule(dynamic) if (m * n * k > 32768)
  for (std::int64_t bi = 0; bi < rows; ++bi)
    for (std::int64_t bj = 0; bj < columns; ++bj) {
      std::vector<float> w(static_cast<std::size_t>(k));
      for (std::int64_t j = bj * 64; j < n && j < bj * 64 + 64; ++j) {
        for (std::int64_t p = 0; p < k; ++p) w[p] = to_float(right[p * b_row + j * b_column]);
        for (std::int64_t i = bi * 32; i < m && i < bi * 32 + 32; ++i) {
          const T* x = left + i * lda;
          double total = added ? to_float(added[j]) : 0.0;
          for (std::int64_t p0 = 0; p0 < k; p0 += 512) {
            float s = 0;
            const std::int64_t end = p0 + 512 < k ? p0 + 512 : k;
#pragma omp simd reduction(+ : s)
            for (std::int64_t p = p0; p < end; ++p) s += to_float(x[p]) * w[p];
            total += s;
          }
          put(c + i * n + j, static_cast<float>(total));
        }
      }
    }
  return 0;
}

}  // namespace

extern "C" int gemm(DLTensor* out, const DLTensor* a, const DLTensor* b, const DLTensor* bias, void*) {
  return out->dtype.code == kDLBfloat ? run<Bf16>(out, a, b, bias) : run<float>(out, a, b, bias);
}
