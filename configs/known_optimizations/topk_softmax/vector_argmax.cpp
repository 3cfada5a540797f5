// topk_softmax: a row copied into padded vectors; k rounds of vector maximum and first match
// Technique after: warp-wide arg max of vLLM topk_softmax_kernels, with vector lanes for threads
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

template <class T>
int run(DLTensor* weights, DLTensor* ids, const DLTensor* logits, std::int32_t renormalize) {
  const std::int64_t tokens = logits->shape[0], experts = logits->shape[1], k = ids->shape[1];
  if (k == 0) return 0;

  const std::int64_t padded = (experts + 15) / 16 * 16;
  std::vector<float> copy(static_cast<std::size_t>(padded));
  std::vector<char> taken(static_cast<std::size_t>(experts));
  const float none = -__builtin_inff();
  for (std::int64_t t = 0; t < tokens; ++t) {
    const T* x = first<const T>(logits) + t * experts;
    std::int32_t* chosen = first<std::int32_t>(ids) + t * k;
    float* out = first<float>(weights) + t * k;
    for (std::int64_t e = 0; e < padded; e += 16) {
      V v = get(x + e, experts - e);
      for (std::int64_t j = experts - e; j < 16; ++j) v[j] = none;
      set(copy.data() + e, v, 16);
    }
    std::memset(taken.data(), 0, taken.size());
    float top = none;
    double total = 0;
    for (std::int64_t j = 0; j < k; ++j) {
      V best = all(none);
      for (std::int64_t e = 0; e < padded; e += 16) {
        const V v = get(copy.data() + e, 16);
        best = v > best ? v : best;
      }
      float value = best[0];
      for (int l = 1; l < 16; ++l) value = best[l] > value ? best[l] : value;
      if (j == 0) {
        top = value;
        if (renormalize == 0)
          for (std::int64_t e = 0; e < padded; e += 16) total += sum(vexp(get(copy.data() + e, 16) - top));
      }
      std::int64_t at = 0;
      while (copy[at] != value || (value == none && (at >= experts || taken[at]))) ++at;
      taken[at] = 1;
      copy[at] = none;
      chosen[j] = static_cast<std::int32_t>(at);
      out[j] = vexp(all(value - top))[0];
      if (renormalize != 0) total += out[j];
    }
    const float scale = static_cast<float>(1.0 / total);
    for (std::int64_t j = 0; j < k; ++j) out[j] *= scale;
  }
  return 0;
}

}  // namespace

extern "C" int topk_softmax(DLTensor* weights, DLTensor* ids, const DLTensor* logits, int32_t renormalize, void*) {
  return logits->dtype.code == kDLBfloat ? run<Bf16>(weights, ids, logits, renormalize)
                                         : run<float>(weights, ids, logits, renormalize);
}
