// rotary_embedding: cosines and sines of a token become floats once, laid out per element, then serve every head
// Technique after: loop-invariant hoisting: a token's angles serve all of its heads
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

  static thread_local float* angles = nullptr;
  static thread_local std::int64_t room = 0;
  if (room < 4 * half) {
    delete[] angles;
    angles = new float[4 * half];
    room = 4 * half;
  }
  float *direct = angles, *crossed = angles + 2 * half;  // new = old · direct + partner · crossed
  for (std::int64_t t = 0; t < tokens; ++t) {
    const T* cosine = first<const T>(cos_sin_cache) + position[t] * 2 * half;
    for (std::int64_t i = 0; i < half; ++i) {
      direct[i] = to_float(cosine[i]);
      crossed[i] = to_float(cosine[half + i]);
    }
    DLTensor* both[] = {query, key};
    for (DLTensor* x : both) {
      if (x == nullptr) continue;
      T* row = first<T>(x) + t * x->strides[0];
      for (std::int64_t h = 0; h < x->shape[1]; h += head_size) {
        T* low = row + h;
        T* high = low + (neox ? half : 1);
        const std::int64_t step = neox ? 1 : 2;
        for (std::int64_t i = 0; i < half; ++i) {
          const float a = to_float(low[i * step]), b = to_float(high[i * step]);
          put(low + i * step, __builtin_fmaf(a, direct[i], -b * crossed[i]));
          put(high + i * step, __builtin_fmaf(b, direct[i], a * crossed[i]));
        }
      }
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
