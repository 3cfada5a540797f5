// paged_decode_attention: each sequence in parts of 128 positions over the threads, partial results merged by their
// maxima Technique after: Flash-Decoding; vLLM paged_attention_v2
#include <crucible/kernel.h>

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

/// The row of one cached position and kv head.
template <class T>
const T* cached(const DLTensor* cache, const std::int32_t* blocks, std::int64_t position, std::int64_t head) {
  const std::int64_t page = cache->shape[1];
  return first<const T>(cache) + blocks[position / page] * cache->strides[0] + position % page * cache->strides[1] +
         head * cache->strides[2];
}

/// Softmax over a part: Σ p·v relative to `top`, Σ p, and the maximum.
struct Part {
  float top;
  float total;
  float sums[256];
};

template <class T>
int run(DLTensor* out, const DLTensor* query, const DLTensor* key_cache, const DLTensor* value_cache,
        const DLTensor* block_table, const DLTensor* seq_lens, double scale) {
  const std::int64_t sequences = query->shape[0], heads = query->shape[1], size = query->shape[2];
  const std::int64_t kv_heads = key_cache->shape[2], width = block_table->shape[1];
  const std::int32_t* lengths = first<const std::int32_t>(seq_lens);

  std::int64_t longest = 0;
  for (std::int64_t s = 0; s < sequences; ++s) longest = lengths[s] > longest ? lengths[s] : longest;
  const std::int64_t parts = (longest + 127) / 128;
  std::vector<Part> all_parts(static_cast<std::size_t>(sequences * heads * parts));
#pragma omp parallel for collapse(2) schedule(dynamic)
  for (std::int64_t sh = 0; sh < sequences * heads; ++sh)
    for (std::int64_t part = 0; part < parts; ++part) {
      const std::int64_t s = sh / heads, h = sh % heads, kv = h / (heads / kv_heads);
      const std::int32_t* blocks = first<const std::int32_t>(block_table) + s * width;
      const T* q = first<const T>(query) + s * query->strides[0] + h * query->strides[1];
      Part& mine = all_parts[sh * parts + part];
      mine = Part{-__builtin_inff(), 0, {}};
      float score[128];
      const std::int64_t start = part * 128, end = start + 128 < lengths[s] ? start + 128 : lengths[s];
      for (std::int64_t t = start; t < end; ++t) {
        const T* k = cached<T>(key_cache, blocks, t, kv);
        float dot = 0;
#pragma omp simd reduction(+ : dot)
        for (std::int64_t d = 0; d < size; ++d) dot += to_float(q[d]) * to_float(k[d]);
        score[t - start] = dot * static_cast<float>(scale);
        mine.top = score[t - start] > mine.top ? score[t - start] : mine.top;
      }
      for (std::int64_t t = start; t < end; ++t) {
        const float p = std::exp(score[t - start] - mine.top);
        mine.total += p;
        const T* v = cached<T>(value_cache, blocks, t, kv);
        for (std::int64_t d = 0; d < size; ++d) mine.sums[d] += p * to_float(v[d]);
      }
    }
  for (std::int64_t sh = 0; sh < sequences * heads; ++sh) {
    const Part* mine = all_parts.data() + sh * parts;
    float top = -__builtin_inff();
    for (std::int64_t p = 0; p < parts; ++p) top = mine[p].top > top ? mine[p].top : top;
    double total = 0;
    for (std::int64_t p = 0; p < parts; ++p) total += mine[p].total * std::exp(mine[p].top - top);
    for (std::int64_t d = 0; d < size; ++d) {
      double value = 0;
      for (std::int64_t p = 0; p < parts; ++p) value += mine[p].sums[d] * std::exp(mine[p].top - top);
      put(first<T>(out) + sh * size + d, static_cast<float>(value / total));
    }
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
