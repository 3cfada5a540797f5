#include <omp.h>

#include <limits>

#include "env/baseline/intree/dot.h"
#include "env/baseline/intree/kernels.h"
#include "env/baseline/intree/rows.h"
#include "env/baseline/intree/scratch.h"

/// Paged decode attention: one pass over each sequence's pages with an online softmax. The query heads that share a kv
/// head are computed together, and all kv heads take their turn at a chunk of positions before the next one, so that
/// memory is read once and in the order in which a page lies.
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

/// What a call is about; the layout of one kind of cache.
template <class T>
struct Cache {
  explicit Cache(const DLTensor* cache, const DLTensor* block_table)
      : base(first<const T>(cache)),
        table(first<const std::int32_t>(block_table)),
        table_width(block_table->shape[1]),
        page(cache->shape[1]),
        block_stride(cache->strides[0]),
        position_stride(cache->strides[1]),
        head_stride(cache->strides[2]) {}

  CacheHead<T> head(std::int64_t sequence, std::int64_t kv) const {
    return {base + kv * head_stride, table + sequence * table_width, page, block_stride, position_stride};
  }

  const T* base;
  const std::int32_t* table;
  std::int64_t table_width, page, block_stride, position_stride, head_stride;
};

/// Reads one element of every line of positions [from, to) and kv heads [first_kv, last_kv), in the order in which
/// pages lie: the rows of one head alone are pages apart, where no hardware prefetcher follows and few misses are in
/// flight.
template <class T>
CRUCIBLE_INLINE void touch(const Cache<T>& cache, std::int64_t sequence, std::int64_t first_kv, std::int64_t last_kv,
                           std::int64_t from, std::int64_t to, std::int64_t head_size) {
  for (std::int64_t position = from; position < to; ++position)
    for (std::int64_t kv = first_kv; kv < last_kv; ++kv) {
      const T* row = cache.head(sequence, kv).row(position);
      for (std::int64_t d = 0; d < head_size; d += 64 / (std::int64_t)sizeof(T))
        asm volatile("" : : "r"(*reinterpret_cast<const volatile std::uint16_t*>(row + d)));
    }
}

inline void begin(Group& group) {
  std::memset(group.sum, 0, sizeof group.sum);
  for (int g = 0; g < 4; ++g) {
    group.maximum[g] = kMinusInfinity;
    group.total[g] = 0;
  }
}

/// `heads` (1 to 4) query heads at `query` see positions [start, start + count).
template <class T>
void attend(Group& group, const T* query, std::int64_t query_stride, int heads, const CacheHead<T>& keys,
            const CacheHead<T>& values, std::int64_t start, std::int64_t count, std::int64_t head_size, float scale) {
  using Dot = typename ScoreDot<T>::Type;
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
      return accumulate<4>(group, rows, count, head_size);
    case 3:
      return accumulate<3>(group, rows, count, head_size);
    case 2:
      return accumulate<2>(group, rows, count, head_size);
    default:
      return accumulate<1>(group, rows, count, head_size);
  }
}

template <class T>
void finish(T* out, const Group& group, int heads, std::int64_t head_size) {
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
  const std::int64_t kv_heads = key_cache->shape[2], share = heads / kv_heads, quads = (share + 3) / 4;
  const std::int32_t* lengths = first<const std::int32_t>(seq_lens);
  const Cache<T> keys(key_cache, block_table), values(value_cache, block_table);

  const auto visit = [&](std::int64_t s, std::int64_t first_kv, std::int64_t last_kv) {
    static thread_local Scratch memory;
    const std::int64_t count_kv = last_kv - first_kv, length = lengths[s];
    Group* groups = static_cast<Group*>(memory.reserve((std::size_t)(count_kv * quads) * sizeof(Group)));
    for (std::int64_t i = 0; i < count_kv * quads; ++i) begin(groups[i]);
    const auto each = [&](auto&& call) {
      for (std::int64_t kv = first_kv; kv < last_kv; ++kv)
        for (std::int64_t q = 0; q < quads; ++q)
          call(groups[(kv - first_kv) * quads + q], kv, kv * share + 4 * q,
               (int)(share - 4 * q < 4 ? share - 4 * q : 4));
    };
    for (std::int64_t start = 0; start < length; start += kChunk) {
      const std::int64_t count = length - start < kChunk ? length - start : kChunk;
      if (count_kv > 1) {
        touch(keys, s, first_kv, last_kv, start, start + count, head_size);
        touch(values, s, first_kv, last_kv, start, start + count, head_size);
      }
      each([&](Group& group, std::int64_t kv, std::int64_t head, int height) {
        attend(group, first<const T>(query) + s * query->strides[0] + head * query->strides[1], query->strides[1],
               height, keys.head(s, kv), values.head(s, kv), start, count, head_size, (float)scale);
      });
    }
    each([&](Group& group, std::int64_t, std::int64_t head, int height) {
      finish(first<T>(out) + (s * heads + head) * head_size, group, height, head_size);
    });
  };

  std::int64_t positions = 0;
  for (std::int64_t s = 0; s < sequences; ++s) positions += lengths[s];
  const std::int64_t bytes = positions * kv_heads * head_size * 2 * (std::int64_t)sizeof(T);
  const std::int64_t threads = bytes >= kParallelBytes ? omp_get_max_threads() : 1;
  // Heads of a sequence are parted only where there are too few sequences for the threads.
  std::int64_t parts = sequences >= 2 * threads ? 1 : (2 * threads + sequences - 1) / sequences;
  if (threads == 1) parts = 1;
  if (parts > kv_heads) parts = kv_heads;
  const auto item = [&](std::int64_t i) {
    const std::int64_t part = i % parts;
    visit(i / parts, kv_heads * part / parts, kv_heads * (part + 1) / parts);
  };
  if (threads > 1 && sequences * parts > 1) {
#pragma omp parallel for schedule(dynamic)
    for (std::int64_t i = 0; i < sequences * parts; ++i) item(i);
  } else {
    for (std::int64_t i = 0; i < sequences * parts; ++i) item(i);
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
