#pragma once

#include <cstdint>
#include <cstring>
#if defined(__x86_64__)
#include <immintrin.h>
#endif

/// Vectors of the widest register that this translation unit may use. Every source of this folder is compiled once per
/// instruction set (CRUCIBLE_ISA names the variant); all functions live in that variant's namespace, so that no
/// function built for a newer processor can be linked into the path of an older one.
namespace crucible::baseline::CRUCIBLE_ISA {

#if defined(__AVX512F__)
inline constexpr int kLanes = 16;
#elif defined(__AVX__)
inline constexpr int kLanes = 8;
#else
inline constexpr int kLanes = 4;
#endif

#define CRUCIBLE_INLINE [[gnu::always_inline]] inline

using VecF [[gnu::vector_size(kLanes * 4)]] = float;
using VecI [[gnu::vector_size(kLanes * 4)]] = std::int32_t;
using VecU [[gnu::vector_size(kLanes * 4)]] = std::uint32_t;
using VecH [[gnu::vector_size(kLanes * 2)]] = std::uint16_t;

/// A bf16 element: the upper half of a float.
struct BFloat16 {
  std::uint16_t bits;
};

CRUCIBLE_INLINE VecF splat(float value) { return VecF{} + value; }

CRUCIBLE_INLINE VecF widen(VecH half) { return (VecF)(__builtin_convertvector(half, VecU) << 16); }

/// To nearest even, NaN kept, subnormals kept (vcvtneps2bf16 would flush them, so it serves only vectors without any).
CRUCIBLE_INLINE VecH narrow(VecF value) {
#if defined(__AVX512BF16__) && defined(__AVX512DQ__)
  if (__builtin_expect(_mm512_fpclass_ps_mask((__m512)value, 0x20) == 0, 1))
    return (VecH)_mm512_cvtneps_pbh((__m512)value);
#endif
  const VecU bits = (VecU)value;
  const VecU rounded = (bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16;
  const VecU quiet = (bits >> 16) | 0x40u;
  const VecU nan = (VecU)(value != value);
  return __builtin_convertvector((rounded & ~nan) | (quiet & nan), VecH);
}

CRUCIBLE_INLINE VecF load(const float* from) {
  VecF value;
  std::memcpy(&value, from, sizeof value);
  return value;
}
CRUCIBLE_INLINE VecF load(const BFloat16* from) {
  VecH half;
  std::memcpy(&half, from, sizeof half);
  return widen(half);
}
CRUCIBLE_INLINE void store(float* to, VecF value) { std::memcpy(to, &value, sizeof value); }
CRUCIBLE_INLINE void store(BFloat16* to, VecF value) {
  const VecH half = narrow(value);
  std::memcpy(to, &half, sizeof half);
}

/// The first `count` < kLanes elements; the rest of the vector is `fill`.
CRUCIBLE_INLINE VecF load_partial(const float* from, std::int64_t count, float fill = 0) {
#if defined(__AVX512F__)
  return (VecF)_mm512_mask_loadu_ps(_mm512_set1_ps(fill), (__mmask16)((1u << count) - 1u), from);
#else
  VecF value = splat(fill);
  for (std::int64_t i = 0; i < count; ++i) value[i] = from[i];
  return value;
#endif
}
CRUCIBLE_INLINE VecF load_partial(const BFloat16* from, std::int64_t count, float fill = 0) {
#if defined(__AVX512BW__) && defined(__AVX512VL__)
  const __mmask16 mask = (__mmask16)((1u << count) - 1u);
  const VecF value = widen((VecH)_mm256_maskz_loadu_epi16(mask, from));
  return (VecF)_mm512_mask_blend_ps(mask, _mm512_set1_ps(fill), (__m512)value);
#else
  VecF value = splat(fill);
  for (std::int64_t i = 0; i < count; ++i) {
    const std::uint32_t bits = std::uint32_t{from[i].bits} << 16;
    std::memcpy((char*)&value + 4 * i, &bits, 4);
  }
  return value;
#endif
}
CRUCIBLE_INLINE void store_partial(float* to, VecF value, std::int64_t count) {
#if defined(__AVX512F__)
  _mm512_mask_storeu_ps(to, (__mmask16)((1u << count) - 1u), (__m512)value);
#else
  std::memcpy(to, &value, (std::size_t)count * sizeof(float));
#endif
}
CRUCIBLE_INLINE void store_partial(BFloat16* to, VecF value, std::int64_t count) {
  const VecH half = narrow(value);
#if defined(__AVX512BW__) && defined(__AVX512VL__)
  _mm256_mask_storeu_epi16(to, (__mmask16)((1u << count) - 1u), (__m256i)half);
#else
  std::memcpy(to, &half, (std::size_t)count * sizeof(BFloat16));
#endif
}

/// Past the caches; `to` is aligned to the size of what is written. Follow the last one with store_fence().
CRUCIBLE_INLINE void stream(float* to, VecF value) {
#if defined(__AVX512F__)
  _mm512_stream_ps(to, (__m512)value);
#elif defined(__AVX__)
  _mm256_stream_ps(to, (__m256)value);
#else
  store(to, value);
#endif
}
CRUCIBLE_INLINE void stream(BFloat16* to, VecF value) {
#if defined(__AVX512F__)
  const VecH half = narrow(value);
  _mm256_stream_si256((__m256i*)to, (__m256i)half);
#elif defined(__AVX__)
  const VecH half = narrow(value);
  _mm_stream_si128((__m128i*)to, (__m128i)half);
#else
  store(to, value);
#endif
}
/// Two neighbouring vectors: one whole register of bf16.
CRUCIBLE_INLINE void store_pair(float* to, VecF low, VecF high) {
  store(to, low);
  store(to + kLanes, high);
}
CRUCIBLE_INLINE void stream_pair(float* to, VecF low, VecF high) {
  stream(to, low);
  stream(to + kLanes, high);
}
#if defined(__AVX512F__)
CRUCIBLE_INLINE __m512i narrow_pair(VecF low, VecF high) {
#if defined(__AVX512BF16__)
  const __mmask16 subnormal = _mm512_fpclass_ps_mask((__m512)low, 0x20) | _mm512_fpclass_ps_mask((__m512)high, 0x20);
  if (__builtin_expect(subnormal == 0, 1)) return (__m512i)_mm512_cvtne2ps_pbh((__m512)high, (__m512)low);
#endif
  return _mm512_inserti64x4(_mm512_castsi256_si512((__m256i)narrow(low)), (__m256i)narrow(high), 1);
}
CRUCIBLE_INLINE void store_pair(BFloat16* to, VecF low, VecF high) { _mm512_storeu_si512(to, narrow_pair(low, high)); }
CRUCIBLE_INLINE void stream_pair(BFloat16* to, VecF low, VecF high) {
  _mm512_stream_si512((__m512i*)to, narrow_pair(low, high));
}
#else
CRUCIBLE_INLINE void store_pair(BFloat16* to, VecF low, VecF high) {
  store(to, low);
  store(to + kLanes, high);
}
CRUCIBLE_INLINE void stream_pair(BFloat16* to, VecF low, VecF high) {
  stream(to, low);
  stream(to + kLanes, high);
}
#endif
CRUCIBLE_INLINE void store_fence() {
#if defined(__x86_64__)
  _mm_sfence();
#endif
}

/// 2·kLanes neighbouring elements in two vectors, in whatever order is cheapest to load and store: neighbours for f32,
/// even and odd elements for bf16. For operators that treat every element alike.
struct Two {
  VecF a, b;
};
CRUCIBLE_INLINE Two load_two(const float* from) { return {load(from), load(from + kLanes)}; }
CRUCIBLE_INLINE Two load_two(const BFloat16* from) {
  VecU pairs;
  std::memcpy(&pairs, from, sizeof pairs);
  return {(VecF)(pairs << 16), (VecF)(pairs & 0xffff0000u)};
}

/// The upper half of each lane becomes the bf16 nearest to it.
CRUCIBLE_INLINE VecU rounded_bits(VecF value) {
  const VecU bits = (VecU)value;
  const VecU nan = (VecU)(value != value);
  return ((bits + 0x7fffu + ((bits >> 16) & 1u)) & ~nan) | ((bits | 0x400000u) & nan);
}
CRUCIBLE_INLINE VecU interleaved(Two value) {
#if defined(__AVX512BF16__)
  const __mmask16 subnormal =
      _mm512_fpclass_ps_mask((__m512)value.a, 0x20) | _mm512_fpclass_ps_mask((__m512)value.b, 0x20);
  if (__builtin_expect(subnormal == 0, 1)) {
    // Even elements in the low half, odd ones in the high half: take them in turn.
    const __m512i halves = (__m512i)_mm512_cvtne2ps_pbh((__m512)value.b, (__m512)value.a);
    using Index [[gnu::vector_size(64)]] = std::uint16_t;
    constexpr Index kTurns = {0, 16, 1, 17, 2,  18, 3,  19, 4,  20, 5,  21, 6,  22, 7,  23,
                              8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31};
    return (VecU)_mm512_permutexvar_epi16((__m512i)kTurns, halves);
  }
#endif
  return (rounded_bits(value.a) >> 16) | (rounded_bits(value.b) & 0xffff0000u);
}
CRUCIBLE_INLINE void store_two(float* to, Two value) { store_pair(to, value.a, value.b); }
CRUCIBLE_INLINE void stream_two(float* to, Two value) { stream_pair(to, value.a, value.b); }
CRUCIBLE_INLINE void store_two(BFloat16* to, Two value) {
  const VecU pairs = interleaved(value);
  std::memcpy(to, &pairs, sizeof pairs);
}
CRUCIBLE_INLINE void stream_two(BFloat16* to, Two value) { stream((float*)to, (VecF)interleaved(value)); }

/// The larger one; b where a is NaN.
CRUCIBLE_INLINE VecF greater(VecF a, VecF b) {
#if defined(__AVX512F__)
  return (VecF)_mm512_max_ps((__m512)a, (__m512)b);
#else
  return a > b ? a : b;
#endif
}

CRUCIBLE_INLINE double sum_of_lanes(VecF value) {
#if defined(__AVX512F__)
  const __m512d low = _mm512_cvtps_pd(_mm512_castps512_ps256((__m512)value));
  const __m512d high = _mm512_cvtps_pd(_mm256_castpd_ps(_mm512_extractf64x4_pd(_mm512_castps_pd((__m512)value), 1)));
  return _mm512_reduce_add_pd(_mm512_add_pd(low, high));
#else
  double sum = 0;
  for (int i = 0; i < kLanes; ++i) sum += (double)value[i];
  return sum;
#endif
}
CRUCIBLE_INLINE float max_of_lanes(VecF value) {
#if defined(__AVX512F__)
  return _mm512_reduce_max_ps((__m512)value);
#else
  float best = value[0];
  for (int i = 1; i < kLanes; ++i) best = value[i] > best ? value[i] : best;
  return best;
#endif
}

/// Running sums in double: a mean that is nearly zero beside its terms needs them.
class DoubleSum {
 public:
  CRUCIBLE_INLINE void add(VecF value) {
#if defined(__AVX512F__)
    low_ += _mm512_cvtps_pd(_mm512_castps512_ps256((__m512)value));
    high_ += _mm512_cvtps_pd(_mm256_castpd_ps(_mm512_extractf64x4_pd(_mm512_castps_pd((__m512)value), 1)));
#elif defined(__AVX__)
    low_ += _mm256_cvtps_pd(_mm256_castps256_ps128((__m256)value));
    high_ += _mm256_cvtps_pd(_mm256_extractf128_ps((__m256)value, 1));
#else
    low_ += VecD{(double)value[0], (double)value[1]};
    high_ += VecD{(double)value[2], (double)value[3]};
#endif
  }
  CRUCIBLE_INLINE double total() const {
    const VecD both = low_ + high_;
    double sum = 0;
    for (int i = 0; i < kLanes / 2; ++i) sum += both[i];
    return sum;
  }

 private:
  using VecD [[gnu::vector_size(kLanes * 4)]] = double;
  VecD low_{}, high_{};
};

/// Both halves of the rounding step that moves exp's argument to [-ln2/2, ln2/2].
inline constexpr float kLog2e = 1.44269504088896341f, kLn2High = 0.693359375f, kLn2Low = -2.12194440e-4f;

/// exp to about one unit in the last place; results below 2^-126 may be 0. NaN stays NaN.
CRUCIBLE_INLINE VecF exponential(VecF x) {
#if defined(__AVX512F__)
  const __m512 clamped =
      _mm512_min_ps(_mm512_set1_ps(90.0f), _mm512_max_ps(_mm512_set1_ps(-105.0f), (__m512)x));  // NaN passes
  const VecF n = (VecF)_mm512_roundscale_ps(_mm512_mul_ps(clamped, _mm512_set1_ps(kLog2e)), 8);
  const VecF bounded = (VecF)clamped;
#else
  VecF bounded = x < -87.33654f ? splat(-87.33654f) : x;
  bounded = bounded > 90.0f ? splat(90.0f) : bounded;
  const VecF shifted = bounded * kLog2e + 12582912.0f;  // 1.5 * 2^23: the sum's last bit is worth one
  const VecF n = shifted - 12582912.0f;
#endif
  const VecF r = (bounded - n * kLn2High) - n * kLn2Low;
  VecF p = r * 1.9875691500e-4f + 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
  const VecF e = (p * (r * r) + r) + 1.0f;
#if defined(__AVX512F__)
  return (VecF)_mm512_scalef_ps((__m512)e, (__m512)n);
#else
  const VecI whole = __builtin_convertvector(n, VecI), half = whole >> 1;
  VecF result = e * (VecF)((half + 127) << 23) * (VecF)((whole - half + 127) << 23);
  result = x < -87.33654f ? splat(0.0f) : result;
  return x != x ? x : result;
#endif
}

}  // namespace crucible::baseline::CRUCIBLE_ISA
