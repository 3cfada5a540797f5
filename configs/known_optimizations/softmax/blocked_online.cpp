// softmax: blocks of 1,024: block maximum first, rescale once a block, exponentials again at the end
// Technique after: FlashAttention's block-wise rescaling, applied to a plain softmax
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
float largest(const T* x, std::int64_t width) {
  V best = all(-__builtin_inff());
  std::int64_t i = 0;
  for (; i + 16 <= width; i += 16) {
    const V v = get(x + i, 16);
    best = v > best ? v : best;
  }
  float top = best[0];
  for (int j = 1; j < 16; ++j) top = best[j] > top ? best[j] : top;
  for (; i < width; ++i) top = to_float(x[i]) > top ? to_float(x[i]) : top;
  return top;
}

template <class T>
int run(DLTensor* out, const DLTensor* input) {
  const std::int64_t width = out->shape[out->ndim - 1], rows = width == 0 ? 0 : row_count(out);

  const float none = -__builtin_inff();
  for (std::int64_t r = 0; r < rows; ++r) {
    const T* x = row_of<const T>(input, r);
    T* y = row_of<T>(out, r);
    float top = none;
    double total = 0;
    for (std::int64_t from = 0; from < width; from += 1024) {
      const std::int64_t n = width - from < 1024 ? width - from : 1024;
      const float here = largest(x + from, n);
      if (here > top) {
        total *= std::exp(top - here);
        top = here;
      }
      if (top == none) continue;
      V block{};  // short running sums: equal terms round the same way
      std::int64_t i = 0;
      while (i + 32 <= n) {
        V s0{}, s1{};
        for (int group = 0; group < 8 && i + 32 <= n; ++group, i += 32) {
          s0 += vexp(get(x + from + i, 16) - top);
          s1 += vexp(get(x + from + i + 16, 16) - top);
        }
        block += s0 + s1;
      }
      total += sum(block);
      for (; i < n; ++i) total += std::exp(to_float(x[from + i]) - top);
    }
    const V scale = all(static_cast<float>(1.0 / total));
    for (std::int64_t i = 0; i < width; i += 16) set(y + i, vexp(get(x + i, width - i) - top) * scale, width - i);
  }
  return 0;
}

}  // namespace

extern "C" int softmax(DLTensor* out, const DLTensor* input, void*) {
  return out->dtype.code == kDLBfloat ? run<Bf16>(out, input) : run<float>(out, input);
}
