// Honest: gathers the addresses of all rows first, in memory from alloca.
#include <crucible/kernel.h>

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

  for (std::int64_t s = 0; s < sequences; ++s) {
    const std::int64_t length = lengths[s];
    const std::int32_t* blocks = first<const std::int32_t>(block_table) + s * width;
    for (std::int64_t h = 0; h < heads; ++h) {
      const auto one_head = [&] {
        const T** rows = static_cast<const T**>(__builtin_alloca(2 * length * sizeof(T*)));
        for (std::int64_t t = 0; t < length; ++t) {
          rows[t] = cached<T>(key_cache, blocks, t, h / (heads / kv_heads));
          rows[length + t] = cached<T>(value_cache, blocks, t, h / (heads / kv_heads));
        }
        const T* q = first<const T>(query) + s * query->strides[0] + h * query->strides[1];
        double sums[256] = {}, top = -__builtin_inf(), total = 0;
        for (std::int64_t t = 0; t < length; ++t) {
          double score = 0;
          for (std::int64_t d = 0; d < size; ++d) score += static_cast<double>(to_float(q[d])) * to_float(rows[t][d]);
          score *= scale;
          const double best = std::fmax(top, score), shrink = std::exp(top - best), p = std::exp(score - best);
          top = best;
          total = total * shrink + p;
          for (std::int64_t d = 0; d < size; ++d) sums[d] = sums[d] * shrink + p * to_float(rows[length + t][d]);
        }
        for (std::int64_t d = 0; d < size; ++d)
          put(first<T>(out) + (s * heads + h) * size + d, static_cast<float>(sums[d] / total));
      };
      one_head();
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
