// rotary_embedding: the interleaved pairing as a complex product: partner by a shuffle, angles duplicated, signs
// alternating Technique after: moveldup/movehdup complex multiplication
#include <crucible/kernel.h>
#include <immintrin.h>

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

typedef std::int32_t I16 __attribute__((vector_size(64)));

template <class T>
void rotate_pairs(T* head, const T* cosine, std::int64_t half) {
  const I16 partner = {1, 0, 3, 2, 5, 4, 7, 6, 9, 8, 11, 10, 13, 12, 15, 14};
  const I16 twice = {0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7};
  const V sign = {-1, 1, -1, 1, -1, 1, -1, 1, -1, 1, -1, 1, -1, 1, -1, 1};
  for (std::int64_t i = 0; i < half; i += 8) {
    const std::int64_t n = half - i < 8 ? half - i : 8;
    const V c = __builtin_shuffle(get(cosine + i, n), twice), s = __builtin_shuffle(get(cosine + half + i, n), twice);
    const V x = get(head + 2 * i, 2 * n);
    set(head + 2 * i, x * c + __builtin_shuffle(x, partner) * (s * sign), 2 * n);
  }
}

template <class T>
void rotate_halves(T* head, const T* cosine, std::int64_t half) {
  for (std::int64_t i = 0; i < half; i += 16) {
    const std::int64_t n = half - i;
    const V c = get(cosine + i, n), s = get(cosine + half + i, n), a = get(head + i, n), b = get(head + half + i, n);
    set(head + half + i, b * c + a * s, n);
    set(head + i, a * c - b * s, n);
  }
}

template <class T>
int run(const DLTensor* positions, DLTensor* query, DLTensor* key, std::int64_t head_size,
        const DLTensor* cos_sin_cache, bool neox) {
  const std::int64_t tokens = query->shape[0], half = cos_sin_cache->shape[1] / 2;
  const std::int64_t* position = first<const std::int64_t>(positions);

  for (std::int64_t t = 0; t < tokens; ++t) {
    const T* cosine = first<const T>(cos_sin_cache) + position[t] * 2 * half;
    DLTensor* both[] = {query, key};
    for (DLTensor* x : both) {
      if (x == nullptr) continue;
      T* row = first<T>(x) + t * x->strides[0];
      for (std::int64_t h = 0; h < x->shape[1]; h += head_size)
        neox ? rotate_halves(row + h, cosine, half) : rotate_pairs(row + h, cosine, half);
    }
  }
  return 0;
}

}  // namespace

extern "C" int rotary_embedding(const DLTensor* positions, DLTensor* query, DLTensor* key, int64_t head_size,
                                const DLTensor* cos_sin_cache, int32_t is_neox, void*) {
  return query->dtype.code == kDLBfloat ? run<Bf16>(positions, query, key, head_size, cos_sin_cache, is_neox)
                                        : run<float>(positions, query, key, head_size, cos_sin_cache, is_neox);
}
