// paged_decode_attention: all query heads of a kv head at once, so that each cached row is read once, 16 positions a
// step Technique after: FlashInfer and FlashAttention: the query heads of a kv head together
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

/// The row of one cached position and kv head.
template <class T>
const T* cached(const DLTensor* cache, const std::int32_t* blocks, std::int64_t position, std::int64_t head) {
  const std::int64_t page = cache->shape[1];
  return first<const T>(cache) + blocks[position / page] * cache->strides[0] + position % page * cache->strides[1] +
         head * cache->strides[2];
}

template <class T>
int run(DLTensor* out, const DLTensor* query, const DLTensor* key_cache, const DLTensor* value_cache,
        const DLTensor* block_table, const DLTensor* seq_lens, double scale) {
  const std::int64_t sequences = query->shape[0], heads = query->shape[1], size = query->shape[2];
  const std::int64_t kv_heads = key_cache->shape[2], width = block_table->shape[1];
  const std::int32_t* lengths = first<const std::int32_t>(seq_lens);

  const std::int64_t share = kv_heads == 0 ? 0 : heads / kv_heads;
  std::vector<float> sums(static_cast<std::size_t>(share * 256)), scores(static_cast<std::size_t>(share * 16));
  std::vector<float> tops(static_cast<std::size_t>(share));
  std::vector<double> totals(static_cast<std::size_t>(share));
  for (std::int64_t s = 0; s < sequences; ++s)
    for (std::int64_t kv = 0; kv < kv_heads; ++kv) {
      const std::int32_t* blocks = first<const std::int32_t>(block_table) + s * width;
      const T* q = first<const T>(query) + s * query->strides[0] + kv * share * query->strides[1];
      sums.assign(sums.size(), 0.0f);
      totals.assign(totals.size(), 0.0);
      tops.assign(tops.size(), -__builtin_inff());
      for (std::int64_t start = 0; start < lengths[s]; start += 16) {
        const std::int64_t count = lengths[s] - start < 16 ? lengths[s] - start : 16;
        for (std::int64_t t = 0; t < count; ++t) {
          const T* k = cached<T>(key_cache, blocks, start + t, kv);
          for (std::int64_t g = 0; g < share; ++g) {
            V dot{};
            for (std::int64_t d = 0; d < size; d += 16)
              dot += get(q + g * query->strides[1] + d, size - d) * get(k + d, size - d);
            scores[g * 16 + t] = static_cast<float>(sum(dot) * scale);
          }
        }
        for (std::int64_t g = 0; g < share; ++g) {
          V score = get(scores.data() + g * 16, 16);
          for (std::int64_t t = count; t < 16; ++t) score[t] = -__builtin_inff();
          float top = tops[g];
          for (int t = 0; t < 16; ++t) top = score[t] > top ? score[t] : top;
          if (top > tops[g]) {
            const float shrink = std::exp(tops[g] - top);
            totals[g] *= shrink;
            for (std::int64_t d = 0; d < size; d += 16)
              set(sums.data() + g * 256 + d, get(sums.data() + g * 256 + d, 16) * shrink, 16);
            tops[g] = top;
          }
          const V p = vexp(score - top);
          totals[g] += sum(p);
          set(scores.data() + g * 16, p, 16);
        }
        for (std::int64_t t = 0; t < count; ++t) {
          const T* v = cached<T>(value_cache, blocks, start + t, kv);
          for (std::int64_t d = 0; d < size; d += 16) {
            const V value = get(v + d, size - d);
            for (std::int64_t g = 0; g < share; ++g) {
              float* to = sums.data() + g * 256 + d;
              set(to, get(to, 16) + value * scores[g * 16 + t], 16);
            }
          }
        }
      }
      for (std::int64_t g = 0; g < share; ++g)
        for (std::int64_t d = 0; d < size; d += 16)
          set(first<T>(out) + (s * heads + kv * share + g) * size + d,
              get(sums.data() + g * 256 + d, 16) * static_cast<float>(1.0 / totals[g]), size - d);
    }
  return 0;
}

}  // namespace

extern "C" int paged_decode_attention(DLTensor* out, const DLTensor* query, const DLTensor* key_cache,
                                      const DLTensor* value_cache, const DLTensor* block_table,
                                      const DLTensor* seq_lens, double scale, void*) {
  return out->dtype.code == kDLBfloat ? run<Bf16>(out, query, key_cache, value_cache, block_table, seq_lens, scale)
                                      : run<float>(out, query, key_cache, value_cache, block_table, seq_lens, scale);
}
