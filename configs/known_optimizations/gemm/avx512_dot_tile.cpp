// gemm: a 4×4 block of dot products along K, both operands read in place; b copied only when it is not a transposed
// weight Technique after: gemv-like kernels for decode: b stays where it is
#include <crucible/kernel.h>
#include <immintrin.h>

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

template <class T>
int run(DLTensor* out, const DLTensor* a, const DLTensor* b, const DLTensor* bias) {
  const std::int64_t m = a->shape[0], k = a->shape[1], n = b->shape[1];
  if (m == 0 || n == 0) return 0;
  const std::int64_t lda = a->strides[0], b_row = b->strides[0], b_column = b->strides[1];
  const T *left = first<const T>(a), *right = first<const T>(b), *added = bias ? first<const T>(bias) : nullptr;
  T* c = first<T>(out);

  std::vector<T> copy(b_row == 1 ? 0 : static_cast<std::size_t>(4 * k));
  for (std::int64_t j = 0; j < n; j += 4) {
    const T* w[4];
    for (std::int64_t l = 0; l < 4; ++l) {
      const std::int64_t column = j + l < n ? j + l : j;
      w[l] = right + column * b_column;
      if (b_row != 1) {
        for (std::int64_t p = 0; p < k; ++p) copy[l * k + p] = w[l][p * b_row];
        w[l] = copy.data() + l * k;
      }
    }
    for (std::int64_t i = 0; i < m; i += 4) {
      const T* x[4];
      for (std::int64_t l = 0; l < 4; ++l) x[l] = left + (i + l < m ? i + l : i) * lda;
      double totals[16] = {};
      for (std::int64_t p0 = 0; p0 < k; p0 += 2048) {
        V sums[4][4]{};
        const std::int64_t end = p0 + 2048 < k ? p0 + 2048 : k;
        for (std::int64_t p = p0; p < end; p += 16) {
          const std::int64_t left_over = end - p;
          const V q[4] = {get(w[0] + p, left_over), get(w[1] + p, left_over), get(w[2] + p, left_over),
                          get(w[3] + p, left_over)};
#pragma GCC unroll 4
          for (int r = 0; r < 4; ++r) {
            const V v = get(x[r] + p, left_over);
#pragma GCC unroll 4
            for (int s = 0; s < 4; ++s) sums[r][s] += v * q[s];
          }
        }
        for (int l = 0; l < 16; ++l) totals[l] += sum(sums[l / 4][l % 4]);
      }
      for (std::int64_t r = 0; r < 4 && i + r < m; ++r)
        for (std::int64_t s = 0; s < 4 && j + s < n; ++s)
          put(c + (i + r) * n + j + s,
              static_cast<float>(totals[r * 4 + s] + (added ? static_cast<double>(to_float(added[j + s])) : 0.0)));
    }
  }
  return 0;
}

}  // namespace

extern "C" int gemm(DLTensor* out, const DLTensor* a, const DLTensor* b, const DLTensor* bias, void*) {
  return out->dtype.code == kDLBfloat ? run<Bf16>(out, a, b, bias) : run<float>(out, a, b, bias);
}
