#include <omp.h>

#include "env/baseline/intree/dot.h"
#include "env/baseline/intree/kernels.h"
#include "env/baseline/intree/rows.h"
#include "env/baseline/intree/scratch.h"

/// a·b (+ bias, + gelu) as tiles of dot products along K. b is used in place where it is the transposed view of a
/// row-major [N,K] (a linear layer's weight); any other layout is copied into that form, a panel at a time.
namespace crucible::baseline::CRUCIBLE_ISA {
namespace {

inline constexpr std::int64_t kRowBlock = 256;     ///< rows of a that share a panel
inline constexpr std::int64_t kColumnBlock = 32;   ///< columns of b in a panel
inline constexpr std::int64_t kDepthBytes = 8192;  ///< of K at once: four rows of a stay in the first-level cache

struct Problem {
  std::int64_t m, n, k;
  std::int64_t a_stride, b_row_stride, b_column_stride;
};

template <class T>
struct Operands {
  T* out;
  const T* a;
  const T* b;
  const T* bias;  ///< NULL when absent
};

/// z·sigmoid(2·sqrt(2/pi)·(z + 0.044715·z³)): the tanh form of gelu.
CRUCIBLE_INLINE VecF gelu(VecF z) {
  return z / (exponential(-1.5957691216057308f * (z + 0.044715f * (z * z * z))) + 1.0f);
}

/// Smallest exponent field among nonzero elements of `rows` rows; 255 when all are zero.
inline int smallest_exponent(const BFloat16* rows_of, std::int64_t rows, std::int64_t stride, std::int64_t length) {
  VecH smallest = VecH{} - 1;
  std::uint16_t rest = 0xffff;
  for (std::int64_t r = 0; r < rows; ++r) {
    const BFloat16* row = rows_of + r * stride;
    std::int64_t i = 0;
    for (; i + kLanes <= length; i += kLanes) {
      VecH bits;
      std::memcpy(&bits, row + i, sizeof bits);
      const VecH magnitude = (bits & 0x7fff) - 1;  // zero becomes the largest
      smallest = magnitude < smallest ? magnitude : smallest;
    }
    for (; i < length; ++i) {
      const std::uint16_t magnitude = (std::uint16_t)((row[i].bits & 0x7fff) - 1);
      rest = magnitude < rest ? magnitude : rest;
    }
  }
  for (int i = 0; i < kLanes; ++i) rest = smallest[i] < rest ? smallest[i] : rest;
  return rest == 0xffff ? 255 : (rest + 1) >> 7;
}

/// tile[r][c] += the products of a block; `panel` holds pointers to the columns' rows along K.
template <class Dot, class T>
void multiply_block(const T* a, std::int64_t a_stride, std::int64_t rows, const T* const* panel, std::int64_t columns,
                    std::int64_t depth, float* tile) {
  for (std::int64_t r = 0; r < rows; r += 4) {
    const int height = (int)(rows - r < 4 ? rows - r : 4);
    for (std::int64_t c = 0; c < columns; c += 4) {
      const int width = (int)(columns - c < 4 ? columns - c : 4);
      float sums[16];
      dot_tile<Dot>(height, width, a + r * a_stride, a_stride, panel + c, depth, sums);
      for (int i = 0; i < height; ++i)
        for (int j = 0; j < width; ++j) tile[(r + i) * kColumnBlock + c + j] += sums[i * width + j];
    }
  }
}

template <bool kGelu, class T>
void finish(T* out, const T* bias, const float* tile, std::int64_t columns) {
  std::int64_t i = 0;
  for (; i + kLanes <= columns; i += kLanes) {
    VecF z = load(tile + i);
    if (bias != nullptr) z += load(bias + i);
    store(out + i, kGelu ? gelu(z) : z);
  }
  if (i < columns) {
    VecF z = load_partial(tile + i, columns - i);
    if (bias != nullptr) z += load_partial(bias + i, columns - i);
    store_partial(out + i, kGelu ? gelu(z) : z, columns - i);
  }
}

/// The block of the output at rows [row, row + rows), columns [column, column + columns).
template <bool kGelu, class T>
void output_block(const Problem& p, const Operands<T>& operands, [[maybe_unused]] int a_exponent, std::int64_t row,
                  std::int64_t rows, std::int64_t column, std::int64_t columns) {
  static thread_local Scratch panel_memory;
  alignas(64) float tile[kRowBlock * kColumnBlock];
  std::memset(tile, 0, (std::size_t)rows * kColumnBlock * sizeof(float));
  const bool in_place = p.b_row_stride == 1;
  const std::int64_t depth_block = kDepthBytes / (std::int64_t)sizeof(T);
  T* copy = nullptr;
  if (!in_place) copy = static_cast<T*>(panel_memory.reserve((std::size_t)(kColumnBlock * depth_block) * sizeof(T)));
  for (std::int64_t k = 0; k < p.k; k += depth_block) {
    const std::int64_t depth = p.k - k < depth_block ? p.k - k : depth_block;
    const T* panel[kColumnBlock];
    for (std::int64_t c = 0; c < columns; ++c)
      panel[c] = in_place ? operands.b + (column + c) * p.b_column_stride + k : copy + c * depth_block;
    if (!in_place) {
      const T* from = operands.b + k * p.b_row_stride + column * p.b_column_stride;
      for (std::int64_t i = 0; i < depth; ++i)
        for (std::int64_t c = 0; c < columns; ++c)
          copy[c * depth_block + i] = from[i * p.b_row_stride + c * p.b_column_stride];
    }
    const T* a = operands.a + row * p.a_stride + k;
    if constexpr (sizeof(T) == 4) {
      multiply_block<DotF32>(a, p.a_stride, rows, panel, columns, depth, tile);
    } else {
#if defined(__AVX512BF16__)
      // The fast product flushes subnormals: take it where neither operands nor products can be any.
      if (p.m >= 4) {
        const std::int64_t step = in_place ? p.b_column_stride : depth_block;
        if (a_exponent > 0 && a_exponent + smallest_exponent(panel[0], columns, step, depth) > 127 + 30) {
          multiply_block<DotPairs>(a, p.a_stride, rows, panel, columns, depth, tile);
          continue;
        }
      }
#endif
      multiply_block<DotExact>(a, p.a_stride, rows, panel, columns, depth, tile);
    }
  }
  for (std::int64_t r = 0; r < rows; ++r)
    finish<kGelu>(operands.out + (row + r) * p.n + column, operands.bias == nullptr ? nullptr : operands.bias + column,
                  tile + r * kColumnBlock, columns);
}

template <bool kGelu, class T>
int multiply(DLTensor* out, const DLTensor* a, const DLTensor* b, const DLTensor* bias) {
  const Problem p{a->shape[0], b->shape[1], a->shape[1], a->strides[0], b->strides[0], b->strides[1]};
  if (p.m == 0 || p.n == 0) return 0;
  const Operands<T> operands{first<T>(out), first<const T>(a), first<const T>(b),
                             bias == nullptr ? nullptr : first<const T>(bias)};
  int a_exponent = 0;
#if defined(__AVX512BF16__)
  if constexpr (sizeof(T) == 2)
    if (p.m >= 4) a_exponent = smallest_exponent(operands.a, p.m, p.a_stride, p.k);
#endif
  const std::int64_t row_blocks = (p.m + kRowBlock - 1) / kRowBlock;
  const std::int64_t column_blocks = (p.n + kColumnBlock - 1) / kColumnBlock;
  const auto block = [&](std::int64_t index) {
    const std::int64_t row = index % row_blocks * kRowBlock, column = index / row_blocks * kColumnBlock;
    output_block<kGelu>(p, operands, a_exponent, row, p.m - row < kRowBlock ? p.m - row : kRowBlock, column,
                        p.n - column < kColumnBlock ? p.n - column : kColumnBlock);
  };
  const std::int64_t blocks = row_blocks * column_blocks;
  if (blocks > 1 && omp_get_max_threads() > 1 && (double)p.m * (double)p.n * (double)p.k > 65536) {
#pragma omp parallel for schedule(dynamic)
    for (std::int64_t i = 0; i < blocks; ++i) block(i);
  } else {
    for (std::int64_t i = 0; i < blocks; ++i) block(i);
  }
  return 0;
}

}  // namespace

int gemm(DLTensor* out, const DLTensor* a, const DLTensor* b, const DLTensor* bias) {
  if (is_f32(out)) return multiply<false, float>(out, a, b, bias);
  if (is_bf16(out)) return multiply<false, BFloat16>(out, a, b, bias);
  return kNotServed;
}

int gemm_gelu(DLTensor* out, const DLTensor* a, const DLTensor* b, const DLTensor* bias) {
  if (is_f32(out)) return multiply<true, float>(out, a, b, bias);
  if (is_bf16(out)) return multiply<true, BFloat16>(out, a, b, bias);
  return kNotServed;
}

}  // namespace crucible::baseline::CRUCIBLE_ISA
