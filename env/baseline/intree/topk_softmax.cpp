#include <limits>

#include "env/baseline/intree/kernels.h"
#include "env/baseline/intree/rows.h"
#include "env/baseline/intree/scratch.h"

/// Router selection: the k largest logits one after another, by vector maxima over a copy of the row, then one pass of
/// exponentials for the sum. Order is decided on logits: equal ones come with the lower index first.
namespace crucible::baseline::CRUCIBLE_ISA {
namespace {

inline constexpr float kMinusInfinity = -std::numeric_limits<float>::infinity();
inline constexpr std::int64_t kSmallRow = 1024;

/// The row as f32, padded with -Inf to whole vectors. Returns the number of vectors.
template <class T>
CRUCIBLE_INLINE std::int64_t copy_row(const T* logits, std::int64_t experts, float* row) {
  std::int64_t i = 0;
  for (; i + kLanes <= experts; i += kLanes) store(row + i, load(logits + i));
  if (i < experts) {
    store(row + i, load_partial(logits + i, experts - i, kMinusInfinity));
    i += kLanes;
  }
  return i / kLanes;
}

CRUCIBLE_INLINE float largest(const float* row, std::int64_t vectors) {
  VecF best = load(row);
  for (std::int64_t v = 1; v < vectors; ++v) best = greater(load(row + v * kLanes), best);
  return max_of_lanes(best);
}

/// First index that holds `value`, which is there.
CRUCIBLE_INLINE std::int64_t find(const float* row, float value) {
#if defined(__AVX512F__)
  const __m512 wanted = _mm512_set1_ps(value);
  for (std::int64_t i = 0;; i += kLanes) {
    const unsigned mask = _mm512_cmp_ps_mask(_mm512_loadu_ps(row + i), wanted, _CMP_EQ_OQ);
    if (mask != 0) return i + __builtin_ctz(mask);
  }
#else
  std::int64_t i = 0;
  while (row[i] != value) ++i;
  return i;
#endif
}

/// -Inf in place of the element, by a whole vector: the next read of it then needs no wait.
CRUCIBLE_INLINE void remove(float* row, std::int64_t index) {
#if defined(__AVX512F__)
  float* vector = row + index / kLanes * kLanes;
  _mm512_storeu_ps(vector, _mm512_mask_mov_ps(_mm512_loadu_ps(vector), (__mmask16)(1u << (index % kLanes)),
                                              _mm512_set1_ps(kMinusInfinity)));
#else
  row[index] = kMinusInfinity;
#endif
}

/// Places [from, k) go to experts of logit -Inf, lowest index first, skipping those already chosen.
inline void fill_with_impossible(std::int32_t* ids, std::int64_t from, std::int64_t k) {
  std::int32_t candidate = 0;
  for (std::int64_t i = from; i < k; ++candidate) {
    bool chosen = false;
    for (std::int64_t j = 0; j < from && !chosen; ++j) chosen = ids[j] == candidate;
    if (!chosen) ids[i++] = candidate;
  }
}

template <class T>
CRUCIBLE_INLINE void select_row(float* weights, std::int32_t* ids, const T* logits, std::int64_t experts,
                                std::int64_t k, bool renormalize, float* row) {
  const std::int64_t vectors = copy_row(logits, experts, row);
  const float top = largest(row, vectors);
  double sum = 0;
  if (!renormalize) {
    const VecF maximum = splat(top);
    sum = blocked_sum(
        vectors * kLanes, [&](std::int64_t i) { return exponential(load(row + i) - maximum); },
        [&](std::int64_t, std::int64_t) { return VecF{}; });
  }
  std::int64_t found = 0;
  for (float value = top; found < k && value > kMinusInfinity; value = largest(row, vectors)) {
    const std::int64_t index = find(row, value);
    remove(row, index);
    weights[found] = value - top;
    ids[found++] = (std::int32_t)index;
  }
  if (found < k) fill_with_impossible(ids, found, k);
  for (std::int64_t i = found; i < k; ++i) weights[i] = kMinusInfinity;
  for (std::int64_t i = 0; i < k; i += kLanes) {
    const std::int64_t n = k - i < kLanes ? k - i : kLanes;
    const VecF e = exponential(load_partial(weights + i, n, kMinusInfinity));
    if (renormalize) sum += sum_of_lanes(e);
    store_partial(weights + i, e, n);
  }
  const float factor = (float)(1.0 / sum);
  for (std::int64_t i = 0; i < k; ++i) weights[i] *= factor;
}

template <class T>
int select(DLTensor* weights, DLTensor* ids, const DLTensor* logits, bool renormalize) {
  const std::int64_t tokens = logits->shape[0], experts = logits->shape[1], k = ids->shape[1];
  if (tokens == 0 || k == 0) return 0;
  float* w = first<float>(weights);
  std::int32_t* chosen = first<std::int32_t>(ids);
  const T* x = first<const T>(logits);
  // A row of E logits costs about as much as moving k times as many bytes.
  for_each_row(tokens, tokens * experts * (std::int64_t)sizeof(T) * (1 + k), [&](std::int64_t t) {
    alignas(64) float small[kSmallRow];
    static thread_local Scratch large;
    float* row = small;
    if (experts > kSmallRow) row = static_cast<float*>(large.reserve((std::size_t)(experts + kLanes) * sizeof(float)));
    select_row(w + t * k, chosen + t * k, x + t * experts, experts, k, renormalize, row);
  });
  return 0;
}

}  // namespace

int topk_softmax(DLTensor* weights, DLTensor* ids, const DLTensor* logits, std::int32_t renormalize) {
  if (is_f32(logits)) return select<float>(weights, ids, logits, renormalize != 0);
  if (is_bf16(logits)) return select<BFloat16>(weights, ids, logits, renormalize != 0);
  return kNotServed;
}

}  // namespace crucible::baseline::CRUCIBLE_ISA
