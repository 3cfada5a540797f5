// gemm_gelu: panels of sixteen columns packed as floats; four rows of sums by broadcasts; gelu on the registers
// Technique after: outer-product micro-kernel (BLIS) with the activation in its epilogue
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

/// exp to about one unit in the last place: 2^n times a polynomial; below 2^-126 the result may be 0.
inline V vexp(V x) {
  V b = x < -87.33654f ? all(-87.33654f) : x;
  b = b > 89.0f ? all(89.0f) : b;
  const V shifted = b * 1.44269504f + 12582912.0f;
  const V n = shifted - 12582912.0f;
  const V r = (b - n * 0.693359375f) + n * 2.12194440e-4f;
  V p = r * 1.9875691500e-4f + 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
  p = p * (r * r) + r + 1.0f;
  const VI k = __builtin_convertvector(n, VI), h = k >> 1;
  p = p * (V)((h + 127) << 23) * (V)((k - h + 127) << 23);
  p = x < -87.33654f ? V{} : p;
  return x != x ? x : p;
}

/// z·sigmoid(2·sqrt(2/pi)·(z + 0.044715·z³)), which is the tanh form of gelu.
inline V gelu(V z) { return z / (vexp(-1.5957691216f * (z + 0.044715f * (z * z * z))) + 1.0f); }
template <class T>
int run(DLTensor* out, const DLTensor* a, const DLTensor* b, const DLTensor* bias) {
  const std::int64_t m = a->shape[0], k = a->shape[1], n = b->shape[1];
  if (m == 0 || n == 0) return 0;
  const std::int64_t lda = a->strides[0], b_row = b->strides[0], b_column = b->strides[1];
  const T *left = first<const T>(a), *right = first<const T>(b), *added = bias ? first<const T>(bias) : nullptr;
  T* c = first<T>(out);

  std::vector<float> panel(static_cast<std::size_t>(k * 16));
  for (std::int64_t j = 0; j < n; j += 16) {
    const std::int64_t width = n - j < 16 ? n - j : 16;
    for (std::int64_t p = 0; p < k; ++p)
      for (std::int64_t l = 0; l < 16; ++l)
        panel[p * 16 + l] = l < width ? to_float(right[p * b_row + (j + l) * b_column]) : 0.0f;
    const V start = added ? get(added + j, width) : V{};
    for (std::int64_t i = 0; i < m; i += 4) {
      const T* x[4];
      for (std::int64_t r = 0; r < 4; ++r) x[r] = left + (i + r < m ? i + r : i) * lda;
      V z[4] = {start, start, start, start};
      for (std::int64_t p0 = 0; p0 < k; p0 += 128) {
        V s[4]{};
        for (std::int64_t p = p0; p < k && p < p0 + 128; ++p) {
          V w;
          std::memcpy(&w, panel.data() + p * 16, sizeof w);
#pragma GCC unroll 4
          for (int r = 0; r < 4; ++r) s[r] += w * to_float(x[r][p]);
        }
        for (int r = 0; r < 4; ++r) z[r] += s[r];
      }
      for (std::int64_t r = 0; r < 4 && i + r < m; ++r) set(c + (i + r) * n + j, gelu(z[r]), width);
    }
  }
  return 0;
}

}  // namespace

extern "C" int gemm_gelu(DLTensor* out, const DLTensor* a, const DLTensor* b, const DLTensor* bias, void*) {
  return out->dtype.code == kDLBfloat ? run<Bf16>(out, a, b, bias) : run<float>(out, a, b, bias);
}
