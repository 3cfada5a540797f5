// gemm: tiles of 64×64×64 copied to floats, accumulated in a tile of their own
// Technique after: Lam, Rothberg and Wolf 1991: cache blocking
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
  if (m == 0 || n == 0) return 0;
  const std::int64_t lda = a->strides[0], b_row = b->strides[0], b_column = b->strides[1];
  const T *left = first<const T>(a), *right = first<const T>(b), *added = bias ? first<const T>(bias) : nullptr;
  T* c = first<T>(out);

  constexpr std::int64_t kTile = 64;
  static thread_local float at[kTile * kTile], bt[kTile * kTile], ct[kTile * kTile];
  for (std::int64_t i0 = 0; i0 < m; i0 += kTile)
    for (std::int64_t j0 = 0; j0 < n; j0 += kTile) {
      const std::int64_t height = m - i0 < kTile ? m - i0 : kTile, width = n - j0 < kTile ? n - j0 : kTile;
      double totals[kTile * kTile] = {};
      for (std::int64_t p0 = 0; p0 < k; p0 += kTile) {
        const std::int64_t depth = k - p0 < kTile ? k - p0 : kTile;
        for (std::int64_t i = 0; i < height; ++i)
          for (std::int64_t p = 0; p < depth; ++p) at[i * kTile + p] = to_float(left[(i0 + i) * lda + p0 + p]);
        for (std::int64_t p = 0; p < depth; ++p)
          for (std::int64_t j = 0; j < kTile; ++j)
            bt[p * kTile + j] = j < width ? to_float(right[(p0 + p) * b_row + (j0 + j) * b_column]) : 0.0f;
        for (std::int64_t i = 0; i < height; ++i) {
          for (std::int64_t j = 0; j < kTile; ++j) ct[j] = 0;
          for (std::int64_t p = 0; p < depth; ++p)
            for (std::int64_t j = 0; j < kTile; ++j) ct[j] += at[i * kTile + p] * bt[p * kTile + j];
          for (std::int64_t j = 0; j < width; ++j) totals[i * kTile + j] += ct[j];
        }
      }
      for (std::int64_t i = 0; i < height; ++i)
        for (std::int64_t j = 0; j < width; ++j)
          put(c + (i0 + i) * n + j0 + j,
              static_cast<float>(totals[i * kTile + j] + (added ? static_cast<double>(to_float(added[j0 + j])) : 0.0)));
    }
  return 0;
}

}  // namespace

extern "C" int gemm(DLTensor* out, const DLTensor* a, const DLTensor* b, const DLTensor* bias, void*) {
  return out->dtype.code == kDLBfloat ? run<Bf16>(out, a, b, bias) : run<float>(out, a, b, bias);
}
