#pragma once

#include "env/baseline/intree/simd.h"

/// Tiles of dot products: R rows against C rows, both contiguous along the summed dimension, sixteen running vectors.
/// No packing: that is how a linear layer's weight [N,K] and a key cache lie in memory.
namespace crucible::baseline::CRUCIBLE_ISA {

/// f32 operands.
struct DotF32 {
  using Element = float;
  using Register = VecF;
  static constexpr int kStep = kLanes;
  CRUCIBLE_INLINE static Register get(const float* from) { return load(from); }
  CRUCIBLE_INLINE static Register get(const float* from, std::int64_t count) { return load_partial(from, count); }
  CRUCIBLE_INLINE static void add(VecF& sum, Register a, Register b) { sum += a * b; }
};

/// bf16 operands as they are: exact products in f32, gradual underflow.
struct DotExact {
  using Element = BFloat16;
  using Register = VecU;  ///< two elements a lane
  static constexpr int kStep = 2 * kLanes;
  CRUCIBLE_INLINE static Register get(const BFloat16* from) {
    VecU pairs;
    std::memcpy(&pairs, from, sizeof pairs);
    return pairs;
  }
  CRUCIBLE_INLINE static Register get(const BFloat16* from, std::int64_t count) {
    VecU pairs{};
    std::memcpy(&pairs, from, (std::size_t)count * sizeof(BFloat16));
    return pairs;
  }
  CRUCIBLE_INLINE static void add(VecF& sum, Register a, Register b) {
    sum += (VecF)(a << 16) * (VecF)(b << 16);
    sum += (VecF)(a & 0xffff0000u) * (VecF)(b & 0xffff0000u);
  }
};

#if defined(__AVX512BF16__)
/// bf16 operands through the processor's pairwise dot product, which takes subnormal operands and results for zero.
struct DotPairs : DotExact {
  static constexpr bool kFlushes = true;
  CRUCIBLE_INLINE static void add(VecF& sum, Register a, Register b) {
    sum = (VecF)_mm512_dpbf16_ps((__m512)sum, (__m512bh)a, (__m512bh)b);
  }
};
#endif

/// Sums of sixteen vectors, or of each of R·C of them.
template <int R, int C>
CRUCIBLE_INLINE void reduce_tile(const VecF (&sum)[R][C], float* result) {
#if defined(__AVX512F__)
  if constexpr (R == 4 && C == 4) {
    __m512 pair[8], quad[4];
#pragma GCC unroll 8
    for (int i = 0; i < 8; ++i) {
      const __m512 a = (__m512)sum[i / 2][i % 2 * 2], b = (__m512)sum[i / 2][i % 2 * 2 + 1];
      pair[i] = _mm512_add_ps(_mm512_unpacklo_ps(a, b), _mm512_unpackhi_ps(a, b));
    }
#pragma GCC unroll 4
    for (int i = 0; i < 4; ++i) {
      const __m512d a = _mm512_castps_pd(pair[2 * i]), b = _mm512_castps_pd(pair[2 * i + 1]);
      quad[i] = _mm512_add_ps(_mm512_castpd_ps(_mm512_unpacklo_pd(a, b)), _mm512_castpd_ps(_mm512_unpackhi_pd(a, b)));
    }
    const __m512 x =
        _mm512_add_ps(_mm512_shuffle_f32x4(quad[0], quad[1], 0x88), _mm512_shuffle_f32x4(quad[0], quad[1], 0xdd));
    const __m512 y =
        _mm512_add_ps(_mm512_shuffle_f32x4(quad[2], quad[3], 0x88), _mm512_shuffle_f32x4(quad[2], quad[3], 0xdd));
    _mm512_storeu_ps(result, _mm512_add_ps(_mm512_shuffle_f32x4(x, y, 0x88), _mm512_shuffle_f32x4(x, y, 0xdd)));
    return;
  }
#endif
  for (int r = 0; r < R; ++r)
    for (int c = 0; c < C; ++c) result[r * C + c] = (float)sum_of_lanes(sum[r][c]);
}

/// result[r·C + c] = Σ a[r][i]·b[c][i] over i < length. Rows of a are `a_stride` elements apart; b's are given.
template <class Dot, int R, int C>
CRUCIBLE_INLINE void dot_tile(const typename Dot::Element* a, std::int64_t a_stride,
                              const typename Dot::Element* const* b, std::int64_t length, float* result) {
  VecF sum[R][C]{};
  std::int64_t i = 0;
  for (; i + Dot::kStep <= length; i += Dot::kStep) {
    typename Dot::Register right[C];
#pragma GCC unroll 8
    for (int c = 0; c < C; ++c) right[c] = Dot::get(b[c] + i);
#pragma GCC unroll 8
    for (int r = 0; r < R; ++r) {
      const typename Dot::Register left = Dot::get(a + r * a_stride + i);
#pragma GCC unroll 8
      for (int c = 0; c < C; ++c) Dot::add(sum[r][c], left, right[c]);
    }
  }
  if (i < length) {
    typename Dot::Register right[C];
    for (int c = 0; c < C; ++c) right[c] = Dot::get(b[c] + i, length - i);
    for (int r = 0; r < R; ++r) {
      const typename Dot::Register left = Dot::get(a + r * a_stride + i, length - i);
      for (int c = 0; c < C; ++c) Dot::add(sum[r][c], left, right[c]);
    }
  }
  reduce_tile<R, C>(sum, result);
}

/// dot_tile with R rows and the given number of columns.
template <class Dot, int R>
inline void dot_tile_columns(int columns, const typename Dot::Element* a, std::int64_t a_stride,
                             const typename Dot::Element* const* b, std::int64_t length, float* result) {
  switch (columns) {
    case 4:
      return dot_tile<Dot, R, 4>(a, a_stride, b, length, result);
    case 3:
      return dot_tile<Dot, R, 3>(a, a_stride, b, length, result);
    case 2:
      return dot_tile<Dot, R, 2>(a, a_stride, b, length, result);
    default:
      return dot_tile<Dot, R, 1>(a, a_stride, b, length, result);
  }
}

/// dot_tile for 1 ≤ rows, columns ≤ 4: result[r·columns + c].
template <class Dot>
inline void dot_tile(int rows, int columns, const typename Dot::Element* a, std::int64_t a_stride,
                     const typename Dot::Element* const* b, std::int64_t length, float* result) {
  switch (rows) {
    case 4:
      return dot_tile_columns<Dot, 4>(columns, a, a_stride, b, length, result);
    case 3:
      return dot_tile_columns<Dot, 3>(columns, a, a_stride, b, length, result);
    case 2:
      return dot_tile_columns<Dot, 2>(columns, a, a_stride, b, length, result);
    default:
      return dot_tile_columns<Dot, 1>(columns, a, a_stride, b, length, result);
  }
}

}  // namespace crucible::baseline::CRUCIBLE_ISA
