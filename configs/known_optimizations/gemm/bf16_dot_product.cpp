// gemm: pairs of bf16 through vdpbf16ps where the data has no subnormals (the instruction flushes them); floats
// otherwise Technique after: oneDNN and PyTorch brgemm: vdpbf16ps
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

/// Σ x·w, exactly multiplied, in double over blocks.
template <class T>
double dot(const T* x, const T* w, std::int64_t k) {
  double total = 0;
  for (std::int64_t p0 = 0; p0 < k; p0 += 1024) {
    V s{};
    const std::int64_t end = p0 + 1024 < k ? p0 + 1024 : k;
    for (std::int64_t p = p0; p < end; p += 16) s += get(x + p, end - p) * get(w + p, end - p);
    total += sum(s);
  }
  return total;
}

/// Whether products of these elements can be taken pairwise: nothing below 2^-56, zero excepted.
inline bool ordinary(const Bf16* x, std::int64_t k) {
  int odd = 0;
  for (std::int64_t p = 0; p < k; ++p) odd |= (x[p].bits & 0x7fff) != 0 && (x[p].bits & 0x7fff) < (71 << 7);
  return odd == 0;
}
inline bool ordinary(const float*, std::int64_t) { return false; }

#if defined(__AVX512BF16__)
inline double pair_dot(const Bf16* x, const Bf16* w, std::int64_t k) {
  double total = 0;
  for (std::int64_t p0 = 0; p0 < k; p0 += 2048) {
    __m512 s0 = _mm512_setzero_ps(), s1 = s0;
    const std::int64_t end = p0 + 2048 < k ? p0 + 2048 : k;
    std::int64_t p = p0;
    for (; p + 64 <= end; p += 64) {
      s0 = _mm512_dpbf16_ps(s0, (__m512bh)_mm512_loadu_si512(x + p), (__m512bh)_mm512_loadu_si512(w + p));
      s1 = _mm512_dpbf16_ps(s1, (__m512bh)_mm512_loadu_si512(x + p + 32), (__m512bh)_mm512_loadu_si512(w + p + 32));
    }
    for (; p < end; p += 32) {
      const __mmask32 mask = end - p >= 32 ? 0xffffffffu : (1u << (end - p)) - 1u;
      s0 = _mm512_dpbf16_ps(s0, (__m512bh)_mm512_maskz_loadu_epi16(mask, x + p),
                            (__m512bh)_mm512_maskz_loadu_epi16(mask, w + p));
    }
    total += sum((V)_mm512_add_ps(s0, s1));
  }
  return total;
}
#else
inline double pair_dot(const Bf16* x, const Bf16* w, std::int64_t k) { return dot(x, w, k); }
#endif
inline double pair_dot(const float* x, const float* w, std::int64_t k) { return dot(x, w, k); }

template <class T>
int run(DLTensor* out, const DLTensor* a, const DLTensor* b, const DLTensor* bias) {
  const std::int64_t m = a->shape[0], k = a->shape[1], n = b->shape[1];
  if (m == 0 || n == 0) return 0;
  const std::int64_t lda = a->strides[0], b_row = b->strides[0], b_column = b->strides[1];
  const T *left = first<const T>(a), *right = first<const T>(b), *added = bias ? first<const T>(bias) : nullptr;
  T* c = first<T>(out);

  std::vector<T> column(b_row == 1 ? 0 : static_cast<std::size_t>(k));
  std::vector<char> plain(static_cast<std::size_t>(m));
  for (std::int64_t i = 0; i < m; ++i) plain[i] = ordinary(left + i * lda, k);
  for (std::int64_t j = 0; j < n; ++j) {
    const T* w = right + j * b_column;
    if (b_row != 1) {
      for (std::int64_t p = 0; p < k; ++p) column[p] = w[p * b_row];
      w = column.data();
    }
    const bool w_plain = ordinary(w, k);
    for (std::int64_t i = 0; i < m; ++i) {
      const T* x = left + i * lda;
      const double z = w_plain && plain[i] ? pair_dot(x, w, k) : dot(x, w, k);
      put(c + i * n + j, static_cast<float>(z + (added ? static_cast<double>(to_float(added[j])) : 0.0)));
    }
  }
  return 0;
}

}  // namespace

extern "C" int gemm(DLTensor* out, const DLTensor* a, const DLTensor* b, const DLTensor* bias, void*) {
  return out->dtype.code == kDLBfloat ? run<Bf16>(out, a, b, bias) : run<float>(out, a, b, bias);
}
