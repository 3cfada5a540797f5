#include <limits>

#include "env/baseline/intree/kernels.h"
#include "env/baseline/intree/rows.h"
#include "env/baseline/intree/scratch.h"

/// Softmax over rows. Rows that fit the first-level cache keep their exponentials there; longer rows are read twice,
/// the first time with an online maximum (a block at a time), and their exponentials are computed again.
namespace crucible::baseline::CRUCIBLE_ISA {
namespace {

inline constexpr std::int64_t kResident = 8192;  ///< elements whose exponentials are kept: 32 KiB
inline constexpr float kMinusInfinity = -std::numeric_limits<float>::infinity();

template <class T>
CRUCIBLE_INLINE float largest(const T* x, std::int64_t length) {
  VecF a = splat(kMinusInfinity), b = a, c = a, d = a;
  std::int64_t i = 0;
  for (; i + 4 * kLanes <= length; i += 4 * kLanes) {
    a = greater(load(x + i), a);
    b = greater(load(x + i + kLanes), b);
    c = greater(load(x + i + 2 * kLanes), c);
    d = greater(load(x + i + 3 * kLanes), d);
  }
  for (; i + kLanes <= length; i += kLanes) a = greater(load(x + i), a);
  if (i < length) b = greater(load_partial(x + i, length - i, kMinusInfinity), b);
  return max_of_lanes(greater(greater(a, b), greater(c, d)));
}

/// kept[i] = exp(x[i] - maximum); returns their sum.
template <class T>
CRUCIBLE_INLINE double keep_exponentials(float* kept, const T* x, std::int64_t length, float maximum) {
  const VecF top = splat(maximum);
  return blocked_sum(
      length,
      [&](std::int64_t i) {
        const VecF e = exponential(load(x + i) - top);
        store(kept + i, e);
        return e;
      },
      [&](std::int64_t i, std::int64_t n) {
        const VecF e = exponential(load_partial(x + i, n, kMinusInfinity) - top);
        store_partial(kept + i, e, n);
        return e;
      });
}

template <Write kWrite, class T>
CRUCIBLE_INLINE void write_scaled(T* y, const float* kept, std::int64_t length, float factor) {
  const VecF scale = splat(factor);
  write_row<kWrite>(
      y, length, [&](std::int64_t i) { return load(kept + i) * scale; },
      [&](std::int64_t i, std::int64_t n) { return load_partial(kept + i, n) * scale; });
}

template <Write kWrite, class T>
CRUCIBLE_INLINE void resident_row(T* y, const T* x, std::int64_t length) {
  alignas(64) float kept[kResident];
  const double sum = keep_exponentials(kept, x, length, largest(x, length));
  write_scaled<kWrite>(y, kept, length, (float)(1.0 / sum));
}

template <Write kWrite, class T>
CRUCIBLE_INLINE void long_row(T* y, const T* x, std::int64_t length) {
  static thread_local Scratch memory;
  const std::int64_t blocks = (length + kResident - 1) / kResident;
  float* maxima = static_cast<float*>(memory.reserve((std::size_t)(blocks + kLanes + length) * sizeof(float)));
  float* kept = maxima + (blocks + kLanes - 1) / kLanes * kLanes;
  float maximum = kMinusInfinity;
  double sum = 0;
  for (std::int64_t b = 0; b < blocks; ++b) {
    const std::int64_t start = b * kResident, n = length - start < kResident ? length - start : kResident;
    const float here = largest(x + start, n);
    if (here > maximum) {
      sum *= (double)exponential(splat(maximum - here))[0];
      maximum = here;
    }
    // A block of -Inf alone counts from 0: zeros, or NaN where one is among them.
    const bool empty = here == kMinusInfinity;
    maxima[b] = here;
    const double block_sum = keep_exponentials(kept + start, x + start, n, empty ? 0.0f : here);
    sum += empty ? block_sum : block_sum * (double)exponential(splat(here - maximum))[0];
  }
  // A row of -Inf alone: 0 · (1 / 0) is the NaN that the formula gives.
  const double inverse = 1.0 / sum;
  for (std::int64_t b = 0; b < blocks; ++b) {
    const std::int64_t start = b * kResident, n = length - start < kResident ? length - start : kResident;
    const double share = maxima[b] == kMinusInfinity ? 1.0 : (double)exponential(splat(maxima[b] - maximum))[0];
    write_scaled<kWrite>(y + start, kept + start, n, (float)(inverse * share));
  }
}

template <class T>
int softmax_rows(DLTensor* out, const DLTensor* input) {
  const Rows<T> to(out);
  const Rows<const T> from(input);
  if (to.empty()) return 0;
  const std::int64_t length = to.length, bytes = to.count * length * (std::int64_t)sizeof(T);
  const bool streamed = bytes >= kStreamBytes;
  for_each_row(to.count, 2 * bytes, [&](std::int64_t r) {
    const T* x = from.row(r);
    T* y = to.row(r);
    if (length <= kResident)
      streamed ? resident_row<Write::streamed>(y, x, length) : resident_row<Write::cached>(y, x, length);
    else
      streamed ? long_row<Write::streamed>(y, x, length) : long_row<Write::cached>(y, x, length);
  });
  return 0;
}

}  // namespace

int softmax(DLTensor* out, const DLTensor* input) {
  if (is_f32(out)) return softmax_rows<float>(out, input);
  if (is_bf16(out)) return softmax_rows<BFloat16>(out, input);
  return kNotServed;
}

}  // namespace crucible::baseline::CRUCIBLE_ISA
