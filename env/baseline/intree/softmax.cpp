#include <limits>

#include "env/baseline/intree/kernels.h"
#include "env/baseline/intree/rows.h"

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

template <class T>
CRUCIBLE_INLINE double sum_of_exponentials(const T* x, std::int64_t length, float maximum) {
  const VecF top = splat(maximum);
  return blocked_sum(
      length, [&](std::int64_t i) { return exponential(load(x + i) - top); },
      [&](std::int64_t i, std::int64_t n) { return exponential(load_partial(x + i, n, kMinusInfinity) - top); });
}

template <Write kWrite, class T>
CRUCIBLE_INLINE void resident_row(T* y, const T* x, std::int64_t length) {
  alignas(64) float kept[kResident];
  const VecF top = splat(largest(x, length));
  const double sum = blocked_sum(
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
  const VecF scale = splat((float)(1.0 / sum));
  write_row<kWrite>(
      y, length, [&](std::int64_t i) { return load(kept + i) * scale; },
      [&](std::int64_t i, std::int64_t n) { return load_partial(kept + i, n) * scale; });
}

template <Write kWrite, class T>
CRUCIBLE_INLINE void long_row(T* y, const T* x, std::int64_t length) {
  float maximum = kMinusInfinity;
  double sum = 0;
  for (std::int64_t i = 0; i < length; i += kResident) {
    const std::int64_t n = length - i < kResident ? length - i : kResident;
    const float here = largest(x + i, n);
    if (here > maximum) {
      sum *= (double)exponential(splat(maximum - here))[0];
      maximum = here;
    }
    if (maximum > kMinusInfinity) sum += sum_of_exponentials(x + i, n, maximum);
  }
  const VecF top = splat(maximum), scale = splat((float)(1.0 / sum));
  write_row<kWrite>(
      y, length, [&](std::int64_t i) { return exponential(load(x + i) - top) * scale; },
      [&](std::int64_t i, std::int64_t n) {
        return exponential(load_partial(x + i, n, kMinusInfinity) - top) * scale;
      });
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
