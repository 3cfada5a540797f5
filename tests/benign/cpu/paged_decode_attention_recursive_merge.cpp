// Honest: halves of a sequence by recursion, merged by their maxima.
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

struct Partial {
  double top = -__builtin_inf(), total = 0;
  std::vector<double> sums;
};

template <class T>
Partial over(const T* q, const DLTensor* keys, const DLTensor* values, const std::int32_t* blocks, std::int64_t kv,
             std::int64_t from, std::int64_t to, std::int64_t size, double scale) {
  if (to - from == 1) {
    const T *k = cached<T>(keys, blocks, from, kv), *v = cached<T>(values, blocks, from, kv);
    Partial one{0, 1, std::vector<double>(static_cast<std::size_t>(size))};
    for (std::int64_t d = 0; d < size; ++d) {
      one.top += scale * to_float(q[d]) * to_float(k[d]);
      one.sums[d] = to_float(v[d]);
    }
    return one;
  }
  const std::int64_t middle = (from + to) / 2;
  Partial a = over(q, keys, values, blocks, kv, from, middle, size, scale);
  const Partial b = over(q, keys, values, blocks, kv, middle, to, size, scale);
  const double top = std::fmax(a.top, b.top), wa = std::exp(a.top - top), wb = std::exp(b.top - top);
  a.top = top;
  a.total = a.total * wa + b.total * wb;
  for (std::int64_t d = 0; d < size; ++d) a.sums[d] = a.sums[d] * wa + b.sums[d] * wb;
  return a;
}

template <class T>
int run(DLTensor* out, const DLTensor* query, const DLTensor* key_cache, const DLTensor* value_cache,
        const DLTensor* block_table, const DLTensor* seq_lens, double scale) {
  const std::int64_t sequences = query->shape[0], heads = query->shape[1], size = query->shape[2];
  const std::int64_t kv_heads = key_cache->shape[2], width = block_table->shape[1];
  const std::int32_t* lengths = first<const std::int32_t>(seq_lens);

  for (std::int64_t s = 0; s < sequences; ++s)
    for (std::int64_t h = 0; h < heads; ++h) {
      const Partial all =
          over(first<const T>(query) + s * query->strides[0] + h * query->strides[1], key_cache, value_cache,
               first<const std::int32_t>(block_table) + s * width, h / (heads / kv_heads), 0, lengths[s], size, scale);
      for (std::int64_t d = 0; d < size; ++d)
        put(first<T>(out) + (s * heads + h) * size + d, static_cast<float>(all.sums[d] / all.total));
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
