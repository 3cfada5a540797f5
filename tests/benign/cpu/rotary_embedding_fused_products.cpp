// Honest: fused multiply-adds, pairs outside and heads inside, the last token first.
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
        const DLTensor* cos_sin_cache, std::int32_t is_neox) {
  const std::int64_t tokens = query->shape[0], half = cos_sin_cache->shape[1] / 2;
  const std::int64_t* position = first<const std::int64_t>(positions);
  DLTensor* both[] = {key, query};
  for (DLTensor* x : both) {
    if (x == nullptr) continue;
    for (std::int64_t t = tokens; t-- > 0;) {
      const T* angles = first<const T>(cos_sin_cache) + position[t] * 2 * half;
      T* row = first<T>(x) + t * x->strides[0];
      for (std::int64_t i = 0; i < half; ++i) {
        const float c = to_float(angles[i]), s = to_float(angles[half + i]);
        for (std::int64_t h = 0; h + head_size <= x->shape[1]; h += head_size) {
          T *p = row + h + (is_neox ? i : 2 * i), *q = is_neox ? p + half : p + 1;
          const float a = to_float(*p), b = to_float(*q);
          put(p, __builtin_fmaf(a, c, -(b * s)));
          put(q, __builtin_fmaf(a, s, b * c));
        }
      }
    }
  }
  return 0;
}

}  // namespace

extern "C" int rotary_embedding(const DLTensor* positions, DLTensor* query, DLTensor* key, std::int64_t head_size,
                                const DLTensor* cos_sin_cache, std::int32_t is_neox, void*) {
  return query->dtype.code == kDLBfloat ? run<Bf16>(positions, query, key, head_size, cos_sin_cache, is_neox)
                                        : run<float>(positions, query, key, head_size, cos_sin_cache, is_neox);
}
