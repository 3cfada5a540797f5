#include "env/baseline/intree/kernels.h"
#include "env/baseline/intree/rows.h"

/// Rotary embedding in place. Both pairings read and write whole vectors; the interleaved one splits even from odd.
namespace crucible::baseline::CRUCIBLE_ISA {
namespace {

CRUCIBLE_INLINE float to_float(float value) { return value; }
CRUCIBLE_INLINE float to_float(BFloat16 value) {
  const std::uint32_t bits = std::uint32_t{value.bits} << 16;
  float wide;
  std::memcpy(&wide, &bits, sizeof wide);
  return wide;
}
CRUCIBLE_INLINE void put(float* to, float value) { *to = value; }
CRUCIBLE_INLINE void put(BFloat16* to, float value) { store_partial(to, splat(value), 1); }

template <class T>
CRUCIBLE_INLINE void rotate_pair(T* x, T* y, float cosine, float sine) {
  const float a = to_float(*x), b = to_float(*y);
  put(x, a * cosine - b * sine);
  put(y, b * cosine + a * sine);
}

template <class T>
CRUCIBLE_INLINE void rotate_halves(T* head, const T* cosine, const T* sine, std::int64_t half) {
  std::int64_t i = 0;
  for (; i + kLanes <= half; i += kLanes) {
    const VecF a = load(head + i), b = load(head + half + i), c = load(cosine + i), s = load(sine + i);
    store(head + i, a * c - b * s);
    store(head + half + i, b * c + a * s);
  }
  for (; i < half; ++i) rotate_pair(head + i, head + half + i, to_float(cosine[i]), to_float(sine[i]));
}

/// Reads kLanes pairs that start at `from`.
CRUCIBLE_INLINE void load_pairs(const float* from, VecF& even, VecF& odd) {
  const VecF low = load(from), high = load(from + kLanes);
  VecI first;
  for (int i = 0; i < kLanes; ++i) first[i] = 2 * i;
  even = __builtin_shuffle(low, high, first);
  odd = __builtin_shuffle(low, high, first + 1);
}
CRUCIBLE_INLINE void load_pairs(const BFloat16* from, VecF& even, VecF& odd) {
  VecU pairs;
  std::memcpy(&pairs, from, sizeof pairs);
  even = (VecF)(pairs << 16);
  odd = (VecF)(pairs & 0xffff0000u);
}
CRUCIBLE_INLINE void store_pairs(float* to, VecF even, VecF odd) {
  VecI first;
  for (int i = 0; i < kLanes; ++i) first[i] = i / 2 + (i % 2) * kLanes;
  store(to, __builtin_shuffle(even, odd, first));
  store(to + kLanes, __builtin_shuffle(even, odd, first + kLanes / 2));
}
CRUCIBLE_INLINE void store_pairs(BFloat16* to, VecF even, VecF odd) {
  const VecU pairs = __builtin_convertvector(narrow(even), VecU) | (__builtin_convertvector(narrow(odd), VecU) << 16);
  std::memcpy(to, &pairs, sizeof pairs);
}

template <class T>
CRUCIBLE_INLINE void rotate_interleaved(T* head, const T* cosine, const T* sine, std::int64_t half) {
  std::int64_t i = 0;
  for (; i + kLanes <= half; i += kLanes) {
    VecF a, b;
    load_pairs(head + 2 * i, a, b);
    const VecF c = load(cosine + i), s = load(sine + i);
    store_pairs(head + 2 * i, a * c - b * s, b * c + a * s);
  }
  for (; i < half; ++i) rotate_pair(head + 2 * i, head + 2 * i + 1, to_float(cosine[i]), to_float(sine[i]));
}

template <class T>
void rotate_row(T* row, std::int64_t width, std::int64_t head_size, const T* cosine, std::int64_t half, bool is_neox) {
  for (std::int64_t h = 0; h + head_size <= width; h += head_size) {
    if (is_neox)
      rotate_halves(row + h, cosine, cosine + half, half);
    else
      rotate_interleaved(row + h, cosine, cosine + half, half);
  }
}

template <class T>
int rotate(const DLTensor* positions, DLTensor* query, DLTensor* key, std::int64_t head_size, const DLTensor* cache,
           bool is_neox) {
  const std::int64_t tokens = query->shape[0], half = cache->shape[1] / 2;
  const std::int64_t q_width = query->shape[1], k_width = key == nullptr ? 0 : key->shape[1];
  if (tokens == 0 || half == 0 || q_width + k_width == 0) return 0;
  const std::int64_t* position = first<const std::int64_t>(positions);
  const T* table = first<const T>(cache);
  T* q = first<T>(query);
  T* k = key == nullptr ? nullptr : first<T>(key);
  for_each_row(tokens, 2 * tokens * (q_width + k_width) * (std::int64_t)sizeof(T), [&](std::int64_t t) {
    const T* cosine = table + position[t] * 2 * half;
    rotate_row(q + t * query->strides[0], q_width, head_size, cosine, half, is_neox);
    if (k_width != 0) rotate_row(k + t * key->strides[0], k_width, head_size, cosine, half, is_neox);
  });
  return 0;
}

}  // namespace

int rotary_embedding(const DLTensor* positions, DLTensor* query, DLTensor* key, std::int64_t head_size,
                     const DLTensor* cos_sin_cache, std::int32_t is_neox) {
  if (is_f32(query)) return rotate<float>(positions, query, key, head_size, cos_sin_cache, is_neox != 0);
  if (is_bf16(query)) return rotate<BFloat16>(positions, query, key, head_size, cos_sin_cache, is_neox != 0);
  return kNotServed;
}

}  // namespace crucible::baseline::CRUCIBLE_ISA
