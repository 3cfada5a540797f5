// gemm: packed panels of b (32 columns) and a (8 rows), an 8×32 block of sums in registers, K by 256
// Technique after: Goto and van de Geijn 2008; BLIS: packed panels and a register-tiled micro-kernel
#include <crucible/kernel.h>
#include <immintrin.h>

#include <algorithm>
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

/// Sixteen floats: one AVX-512 register, or what the compiler makes of them elsewhere.
typedef float V __attribute__((vector_size(64)));
typedef std::int32_t VI __attribute__((vector_size(64)));

#if defined(__AVX512F__) && defined(__AVX512BW__) && defined(__AVX512VL__)
inline __mmask16 lanes(std::int64_t n) { return n >= 16 ? 0xffff : static_cast<__mmask16>((1u << n) - 1u); }
inline V get(const float* p, std::int64_t n) { return (V)_mm512_maskz_loadu_ps(lanes(n), p); }
inline V get(const Bf16* p, std::int64_t n) {
  const __m512i wide = _mm512_cvtepu16_epi32(_mm256_maskz_loadu_epi16(lanes(n), p));
  return (V)_mm512_slli_epi32(wide, 16);
}
inline void set(float* p, V v, std::int64_t n) { _mm512_mask_storeu_ps(p, lanes(n), (__m512)v); }
inline void set(Bf16* p, V v, std::int64_t n) {
  const __m512i u = (__m512i)v;
  const __m512i odd = _mm512_and_si512(_mm512_srli_epi32(u, 16), _mm512_set1_epi32(1));
  __m512i r = _mm512_srli_epi32(_mm512_add_epi32(_mm512_add_epi32(u, odd), _mm512_set1_epi32(0x7fff)), 16);
  const __mmask16 nan = _mm512_cmp_ps_mask((__m512)v, (__m512)v, _CMP_UNORD_Q);
  r = _mm512_mask_or_epi32(r, nan, _mm512_srli_epi32(u, 16), _mm512_set1_epi32(0x40));
  _mm256_mask_storeu_epi16(p, lanes(n), _mm512_cvtepi32_epi16(r));
}
#else
template <class T>
V get(const T* p, std::int64_t n) {
  V v{};
  for (int i = 0; i < 16 && i < n; ++i) v[i] = to_float(p[i]);
  return v;
}
template <class T>
void set(T* p, V v, std::int64_t n) {
  for (int i = 0; i < 16 && i < n; ++i) put(p + i, v[i]);
}
#endif

inline V all(float x) { return V{} + x; }
inline double sum(V v) {
  double s = 0;
  for (int i = 0; i < 16; ++i) s += static_cast<double>(v[i]);
  return s;
}

constexpr std::int64_t kRows = 8, kColumns = 32, kDepth = 256;

/// c[8][32] += a (depth × 8, packed) times b (depth × 32, packed).
inline void multiply(const float* a, const float* b, std::int64_t depth, float* c) {
  V sums[kRows][2]{};
  for (std::int64_t p = 0; p < depth; ++p) {
    V low, high;
    std::memcpy(&low, b + p * kColumns, sizeof low);
    std::memcpy(&high, b + p * kColumns + 16, sizeof high);
#pragma GCC unroll 8
    for (int i = 0; i < kRows; ++i) {
      sums[i][0] += low * a[p * kRows + i];
      sums[i][1] += high * a[p * kRows + i];
    }
  }
  for (int i = 0; i < kRows; ++i)
    for (int h = 0; h < 2; ++h) {
      V v;
      std::memcpy(&v, c + i * kColumns + 16 * h, sizeof v);
      v += sums[i][h];
      std::memcpy(c + i * kColumns + 16 * h, &v, sizeof v);
    }
}

template <class T>
int run(DLTensor* out, const DLTensor* a, const DLTensor* b, const DLTensor* bias) {
  const std::int64_t m = a->shape[0], k = a->shape[1], n = b->shape[1];
  if (m == 0 || n == 0) return 0;
  const std::int64_t lda = a->strides[0], b_row = b->strides[0], b_column = b->strides[1];
  const T *left = first<const T>(a), *right = first<const T>(b), *added = bias ? first<const T>(bias) : nullptr;
  T* c = first<T>(out);

  const std::int64_t m_padded = (m + kRows - 1) / kRows * kRows;
  std::vector<float> packed_b(kDepth * kColumns), packed_a(static_cast<std::size_t>(m_padded * kDepth)),
      block(static_cast<std::size_t>(m_padded * kColumns));
  for (std::int64_t j0 = 0; j0 < n; j0 += kColumns) {
    const std::int64_t width = n - j0 < kColumns ? n - j0 : kColumns;
    std::fill(block.begin(), block.end(), 0.0f);
    for (std::int64_t p0 = 0; p0 < k; p0 += kDepth) {
      const std::int64_t depth = k - p0 < kDepth ? k - p0 : kDepth;
      for (std::int64_t p = 0; p < depth; ++p)
        for (std::int64_t j = 0; j < kColumns; ++j)
          packed_b[p * kColumns + j] = j < width ? to_float(right[(p0 + p) * b_row + (j0 + j) * b_column]) : 0.0f;
      for (std::int64_t i0 = 0; i0 < m; i0 += kRows) {
        float* panel = packed_a.data();
        for (std::int64_t i = 0; i < kRows; ++i)
          for (std::int64_t p = 0; p < depth; ++p)
            panel[p * kRows + i] = i0 + i < m ? to_float(left[(i0 + i) * lda + p0 + p]) : 0.0f;
        multiply(panel, packed_b.data(), depth, block.data() + i0 * kColumns);
      }
    }
    for (std::int64_t i = 0; i < m; ++i)
      for (std::int64_t j = 0; j < width; ++j)
        put(c + i * n + j0 + j, block[i * kColumns + j] + (added ? to_float(added[j0 + j]) : 0.0f));
  }
  return 0;
}

}  // namespace

extern "C" int gemm(DLTensor* out, const DLTensor* a, const DLTensor* b, const DLTensor* bias, void*) {
  return out->dtype.code == kDLBfloat ? run<Bf16>(out, a, b, bias) : run<float>(out, a, b, bias);
}
