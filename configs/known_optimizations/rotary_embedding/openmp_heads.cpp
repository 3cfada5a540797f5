// rotary_embedding: tokens times heads over the threads
// Technique after: at::parallel_for over tokens times heads
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

template <class T>
int run(const DLTensor* positions, DLTensor* query, DLTensor* key, std::int64_t head_size,
        const DLTensor* cos_sin_cache, bool neox) {
  const std::int64_t tokens = query->shape[0], half = cos_sin_cache->shape[1] / 2;
  const std::int64_t* position = first<const std::int64_t>(positions);

  if (head_size == 0) return 0;
  const std::int64_t q_heads = query->shape[1] / head_size, k_heads = key == nullptr ? 0 : key->shape[1] / head_size;
  const std::int64_t heads = q_heads + k_heads;
#pragma omp parallel for schedule(static) if (tokens * heads * head_size > 65536)
  for (std::int64_t job = 0; job < tokens * heads; ++job) {
    const std::int64_t t = job / heads, h = job % heads;
    DLTensor* x = h < q_heads ? query : key;
    T* head = first<T>(x) + t * x->strides[0] + (h < q_heads ? h : h - q_heads) * head_size;
    const T *cosine = first<const T>(cos_sin_cache) + position[t] * 2 * half, *sine = cosine + half;
    const std::int64_t step = neox ? 1 : 2, apart = neox ? half : 1;
    for (std::int64_t i = 0; i < half; ++i) {
      const float a = to_float(head[i * step]), b = to_float(head[i * step + apart]);
      put(head + i * step, a * to_float(cosine[i]) - b * to_float(sine[i]));
      put(head + i * step + apart, b * to_float(cosine[i]) + a * to_float(sine[i]));
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
