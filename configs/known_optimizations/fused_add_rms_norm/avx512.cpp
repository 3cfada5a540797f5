// fused_add_rms_norm: sixteen lanes: add, round, store, square; the second pass reads the stored sum
// Technique after: vLLM csrc/cpu/layernorm.cpp, fused_add_rms_norm
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

inline std::int64_t row_count(const DLTensor* t) {
  std::int64_t rows = 1;
  for (int axis = 0; axis + 1 < t->ndim; ++axis) rows *= t->shape[axis];
  return rows;
}

/// First element of a row of a tensor of 1 to 3 dimensions with any leading strides.
template <class T>
T* row_of(const DLTensor* t, std::int64_t row) {
  T* p = first<T>(t);
  if (t->ndim == 2) return p + row * t->strides[0];
  if (t->ndim == 3) return p + row / t->shape[1] * t->strides[0] + row % t->shape[1] * t->strides[1];
  return p;
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
int run(DLTensor* input, DLTensor* residual, const DLTensor* weight, double epsilon) {
  const std::int64_t width = input->shape[input->ndim - 1], rows = width == 0 ? 0 : row_count(input);
  const T* w = first<const T>(weight);

  for (std::int64_t r = 0; r < rows; ++r) {
    T *x = row_of<T>(input, r), *kept = row_of<T>(residual, r);
    double squares = 0;
    for (std::int64_t from = 0; from < width; from += 512) {
      V a{};
      for (std::int64_t i = from; i < width && i < from + 512; i += 16) {
        const std::int64_t n = width - i;
        set(kept + i, get(x + i, n) + get(kept + i, n), n);
        const V v = get(kept + i, n);
        a += v * v;
      }
      squares += sum(a);
    }
    const V scale = all(static_cast<float>(1.0 / std::sqrt(squares / width + epsilon)));
    for (std::int64_t i = 0; i < width; i += 16)
      set(x + i, get(kept + i, width - i) * (scale * get(w + i, width - i)), width - i);
  }
  return 0;
}

}  // namespace

extern "C" int fused_add_rms_norm(DLTensor* input, DLTensor* residual, const DLTensor* weight, double epsilon, void*) {
  return input->dtype.code == kDLBfloat ? run<Bf16>(input, residual, weight, epsilon)
                                        : run<float>(input, residual, weight, epsilon);
}
