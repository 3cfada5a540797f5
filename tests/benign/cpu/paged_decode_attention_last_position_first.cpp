// Honest: from the last position to the first, dimensions outside.
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

template <class T>
int run(DLTensor* out, const DLTensor* query, const DLTensor* key_cache, const DLTensor* value_cache,
        const DLTensor* block_table, const DLTensor* seq_lens, double scale) {
  const std::int64_t sequences = query->shape[0], heads = query->shape[1], size = query->shape[2];
  const std::int64_t page = key_cache->shape[1], kv_heads = key_cache->shape[2], width = block_table->shape[1];
  const std::int32_t *lengths = first<const std::int32_t>(seq_lens), *table = first<const std::int32_t>(block_table);
  auto row = [&](const DLTensor* cache, std::int64_t s, std::int64_t t, std::int64_t g) {
    return first<const T>(cache) + table[s * width + t / page] * cache->strides[0] + t % page * cache->strides[1] +
           g * cache->strides[2];
  };
  for (std::int64_t s = 0; s < sequences; ++s)
    for (std::int64_t h = 0; h < heads; ++h) {
      const std::int64_t g = h / (heads / kv_heads), length = lengths[s];
      const T* q = first<const T>(query) + s * query->strides[0] + h * query->strides[1];
      T* y = first<T>(out) + (s * heads + h) * size;
      std::vector<double> p(static_cast<std::size_t>(length));
      double top = -__builtin_inf(), total = 0;
      for (std::int64_t t = 0; t < length; ++t) {
        double dot = 0;
        for (std::int64_t d = 0; d < size; ++d)
          dot += static_cast<double>(to_float(q[d])) * to_float(row(key_cache, s, t, g)[d]);
        p[static_cast<std::size_t>(t)] = scale * dot;
        top = std::fmax(top, scale * dot);
      }
      for (std::int64_t t = length; t-- > 0;)
        total += p[static_cast<std::size_t>(t)] = std::exp(p[static_cast<std::size_t>(t)] - top);
      for (std::int64_t d = 0; d < size; ++d) {
        double sum = 0;
        for (std::int64_t t = length; t-- > 0;)
          sum += p[static_cast<std::size_t>(t)] * to_float(row(value_cache, s, t, g)[d]);
        put(y + d, static_cast<float>(sum / total));
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
