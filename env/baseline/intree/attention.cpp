#include <omp.h>

#include <limits>

#include "env/baseline/intree/dot.h"
#include "env/baseline/intree/kernels.h"
#include "env/baseline/intree/rows.h"
#include "env/baseline/intree/scratch.h"

/// Paged decode attention: one pass over each sequence's pages with an online softmax. The query heads that share a kv
/// head are computed together, so each cache row is read once from memory.
namespace crucible::baseline::CRUCIBLE_ISA {
namespace {

inline constexpr std::int64_t kChunk = 64;      ///< positions between two updates of the running maximum
inline constexpr std::int64_t kHeadSize = 256;  ///< largest
inline constexpr float kMinusInfinity = -std::numeric_limits<float>::infinity();

template <class T>
struct ScoreDot;
template <>
struct ScoreDot<float> {
  using Type = DotF32;
};
template <>
struct ScoreDot<BFloat16> {
#if defined(__AVX512BF16__)
  using Type = DotPairs;  // a subnormal key or query element cannot be seen in a score
#else
  using Type = DotExact;
#endif
};

/// Where one kv head's rows of one sequence are.
template <class T>
struct CacheHead {
  const T* base;
  const std::int32_t* blocks;
  std::int64_t page, block_stride, position_stride;

  const T* row(std::int64_t position) const {
    return base + (std::int64_t)blocks[position / page] * block_stride + position % page * position_stride;
  }
};

/// State of four (or fewer) query heads.
struct Group {
  alignas(64) float sum[4][kHeadSize];  ///< Σ p·v so far, relative to the maximum
  alignas(64) float p[4][kChunk];
  float maximum[4];
  double total[4];
};

/// Scores of `count` positions become weights; earlier results are scaled down when a maximum grows.
CRUCIBLE_INLINE void weigh(Group& group, int heads, std::int64_t count, std::int64_t head_size, float scale) {
  for (int g = 0; g < heads; ++g) {
    float* p = group.p[g];
    VecF best = splat(kMinusInfinity);
    std::int64_t i = 0;
    for (; i < count; i += kLanes) {
      const std::int64_t n = count - i;
      const VecF score = n >= kLanes ? load(p + i) * scale : load_partial(p + i, n, 0) * scale;
      if (n >= kLanes) {
        store(p + i, score);
        best = greater(score, best);
      } else {
        store_partial(p + i, score, n);
        best = greater(load_partial(p + i, n, kMinusInfinity), best);
      }
    }
    const float top = max_of_lanes(best);
    if (top > group.maximum[g]) {
      const float shrink = exponential(splat(group.maximum[g] - top))[0];
      group.maximum[g] = top;
      group.total[g] *= shrink;
      for (std::int64_t d = 0; d < head_size; d += kLanes) store(group.sum[g] + d, load(group.sum[g] + d) * shrink);
    }
    const VecF maximum = splat(group.maximum[g]);
    VecF total{};
    for (i = 0; i < count; i += kLanes) {
      const std::int64_t n = count - i;
      const VecF e = exponential((n >= kLanes ? load(p + i) : load_partial(p + i, n, kMinusInfinity)) - maximum);
      total += e;
      store(p + i, e);  // the rest of the last vector becomes 0
    }
    group.total[g] += sum_of_lanes(total);
  }
}

/// sum[g] += Σ p[g][i]·v[i] for G heads and four vectors of the head at a time.
template <int G, class T>
CRUCIBLE_INLINE void accumulate(Group& group, const T* const* v, std::int64_t count, std::int64_t head_size) {
  std::int64_t d = 0;
  for (; d + 4 * kLanes <= head_size; d += 4 * kLanes) {
    VecF sum[G][4];
#pragma GCC unroll 4
    for (int g = 0; g < G; ++g)
#pragma GCC unroll 4
      for (int j = 0; j < 4; ++j) sum[g][j] = load(group.sum[g] + d + j * kLanes);
    for (std::int64_t i = 0; i < count; ++i) {
      VecF value[4];
#pragma GCC unroll 4
      for (int j = 0; j < 4; ++j) value[j] = load(v[i] + d + j * kLanes);
#pragma GCC unroll 4
      for (int g = 0; g < G; ++g)
#pragma GCC unroll 4
        for (int j = 0; j < 4; ++j) sum[g][j] += value[j] * group.p[g][i];
    }
#pragma GCC unroll 4
    for (int g = 0; g < G; ++g)
#pragma GCC unroll 4
      for (int j = 0; j < 4; ++j) store(group.sum[g] + d + j * kLanes, sum[g][j]);
  }
  for (; d < head_size; d += kLanes) {
    const std::int64_t n = head_size - d;
    VecF sum[G];
#pragma GCC unroll 4
    for (int g = 0; g < G; ++g) sum[g] = load(group.sum[g] + d);
    for (std::int64_t i = 0; i < count; ++i) {
      const VecF value = n >= kLanes ? load(v[i] + d) : load_partial(v[i] + d, n);
#pragma GCC unroll 4
      for (int g = 0; g < G; ++g) sum[g] += value * group.p[g][i];
    }
#pragma GCC unroll 4
    for (int g = 0; g < G; ++g) store(group.sum[g] + d, sum[g]);
  }
}

/// `heads` (1 to 4) query heads at `query` against positions [0, length).
template <class T>
void attend(T* out, const T* query, std::int64_t query_stride, int heads, const CacheHead<T>& keys,
            const CacheHead<T>& values, std::int64_t length, std::int64_t head_size, float scale) {
  using Dot = typename ScoreDot<T>::Type;
  Group group;
  for (int g = 0; g < heads; ++g) {
    std::memset(group.sum[g], 0, sizeof group.sum[g]);
    group.maximum[g] = kMinusInfinity;
    group.total[g] = 0;
  }
  for (std::int64_t start = 0; start < length; start += kChunk) {
    const std::int64_t count = length - start < kChunk ? length - start : kChunk;
    const T* rows[kChunk];
    for (std::int64_t i = 0; i < count; ++i) rows[i] = keys.row(start + i);
    for (std::int64_t i = 0; i < count; i += 4) {
      const int width = (int)(count - i < 4 ? count - i : 4);
      float scores[16];
      dot_tile<Dot>(heads, width, query, query_stride, rows + i, head_size, scores);
      for (int g = 0; g < heads; ++g)
        for (int j = 0; j < width; ++j) group.p[g][i + j] = scores[g * width + j];
    }
    weigh(group, heads, count, head_size, scale);
    for (std::int64_t i = 0; i < count; ++i) rows[i] = values.row(start + i);
    switch (heads) {
      case 4:
        accumulate<4>(group, rows, count, head_size);
        break;
      case 3:
        accumulate<3>(group, rows, count, head_size);
        break;
      case 2:
        accumulate<2>(group, rows, count, head_size);
        break;
      default:
        accumulate<1>(group, rows, count, head_size);
        break;
    }
  }
  for (int g = 0; g < heads; ++g) {
    const float factor = (float)(1.0 / group.total[g]);
    write_row<Write::cached>(
        out + g * head_size, head_size, [&](std::int64_t i) { return load(group.sum[g] + i) * factor; },
        [&](std::int64_t i, std::int64_t n) { return load_partial(group.sum[g] + i, n) * factor; });
  }
}

template <class T>
int decode(DLTensor* out, const DLTensor* query, const DLTensor* key_cache, const DLTensor* value_cache,
           const DLTensor* block_table, const DLTensor* seq_lens, double scale) {
  const std::int64_t sequences = query->shape[0], heads = query->shape[1], head_size = query->shape[2];
  if (sequences == 0 || heads == 0 || head_size == 0) return 0;
  if (head_size > kHeadSize) return kNotServed;
  const std::int64_t kv_heads = key_cache->shape[2], share = heads / kv_heads, page = key_cache->shape[1];
  const std::int64_t table_width = block_table->shape[1];
  const std::int32_t* table = first<const std::int32_t>(block_table);
  const std::int32_t* lengths = first<const std::int32_t>(seq_lens);
  const auto cache_head = [&](const DLTensor* cache, std::int64_t s, std::int64_t h) {
    return CacheHead<T>{first<const T>(cache) + h * cache->strides[2], table + s * table_width, page, cache->strides[0],
                        cache->strides[1]};
  };
  const auto visit = [&](std::int64_t index) {
    const std::int64_t s = index / kv_heads, kv = index % kv_heads;
    const CacheHead<T> keys = cache_head(key_cache, s, kv), values = cache_head(value_cache, s, kv);
    for (std::int64_t g = 0; g < share; g += 4) {
      const std::int64_t head = kv * share + g;
      attend(first<T>(out) + (s * heads + head) * head_size,
             first<const T>(query) + s * query->strides[0] + head * query->strides[1], query->strides[1],
             (int)(share - g < 4 ? share - g : 4), keys, values, lengths[s], head_size, (float)scale);
    }
  };
  std::int64_t positions = 0;
  for (std::int64_t s = 0; s < sequences; ++s) positions += lengths[s];
  const std::int64_t items = sequences * kv_heads;
  if (items > 1 && omp_get_max_threads() > 1 &&
      positions * kv_heads * head_size * 2 * (std::int64_t)sizeof(T) >= kParallelBytes) {
#pragma omp parallel for schedule(dynamic)
    for (std::int64_t i = 0; i < items; ++i) visit(i);
  } else {
    for (std::int64_t i = 0; i < items; ++i) visit(i);
  }
  return 0;
}

}  // namespace

int paged_decode_attention(DLTensor* out, const DLTensor* query, const DLTensor* key_cache, const DLTensor* value_cache,
                           const DLTensor* block_table, const DLTensor* seq_lens, double scale) {
  if (is_f32(out)) return decode<float>(out, query, key_cache, value_cache, block_table, seq_lens, scale);
  if (is_bf16(out)) return decode<BFloat16>(out, query, key_cache, value_cache, block_table, seq_lens, scale);
  return kNotServed;
}

}  // namespace crucible::baseline::CRUCIBLE_ISA
