#include <cmath>

#include "env/baseline/intree/kernels.h"
#include "env/baseline/intree/rows.h"

/// Root-mean-square and layer normalization: one pass for the statistics, which leaves the row in the first-level
/// cache, and one that writes.
namespace crucible::baseline::CRUCIBLE_ISA {
namespace {

/// n ≤ kLanes elements.
template <class T>
CRUCIBLE_INLINE VecF load_some(const T* from, std::int64_t n) {
  return n == kLanes ? load(from) : load_partial(from, n);
}

template <class T>
CRUCIBLE_INLINE float reciprocal_rms(const T* x, std::int64_t length, double epsilon) {
  const double sum = blocked_sum_of(
      length,
      [&](std::int64_t i) {
        const Two v = load_two(x + i);
        return Two{v.a * v.a, v.b * v.b};
      },
      [&](std::int64_t i, std::int64_t n) {
        const VecF v = load_some(x + i, n);
        return v * v;
      });
  return (float)(1.0 / std::sqrt(sum / (double)length + epsilon));
}

template <Write kWrite, class T>
CRUCIBLE_INLINE void scale_row(T* out, const T* x, const T* weight, std::int64_t length, float factor) {
  const VecF scale = splat(factor);
  write_each<kWrite>(out, length, [&](auto get) { return get(x) * (scale * get(weight)); });
}

template <class T>
int rms(DLTensor* out, const DLTensor* input, const DLTensor* weight, double epsilon) {
  const Rows<T> to(out);
  const Rows<const T> from(input);
  if (to.empty()) return 0;
  const T* w = first<const T>(weight);
  const std::int64_t length = to.length, bytes = to.count * length * (std::int64_t)sizeof(T);
  const bool streamed = bytes >= kStreamBytes;
  for_each_row(to.count, 2 * bytes, [&](std::int64_t r) {
    const T* x = from.row(r);
    T* y = to.row(r);
    const float factor = reciprocal_rms(x, length, epsilon);
    if (streamed)
      scale_row<Write::streamed>(y, x, w, length, factor);
    else
      scale_row<Write::cached>(y, x, w, length, factor);
  });
  return 0;
}

/// residual <- input + residual rounded to T, and the sum of squares of what was stored.
template <class T>
CRUCIBLE_INLINE double add_row(T* residual, const T* x, std::int64_t length) {
  return blocked_sum_of(
      length,
      [&](std::int64_t i) {
        const Two p = load_two(x + i), q = load_two(residual + i);
        Two v{p.a + q.a, p.b + q.b};
        if constexpr (sizeof(T) == 2) {
          const VecU pairs = interleaved(v);
          std::memcpy(residual + i, &pairs, sizeof pairs);
          v = {(VecF)(pairs << 16), (VecF)(pairs & 0xffff0000u)};
        } else {
          store_two(residual + i, v);
        }
        return Two{v.a * v.a, v.b * v.b};
      },
      [&](std::int64_t i, std::int64_t n) {
        VecF v = load_some(x + i, n) + load_some(residual + i, n);
        if constexpr (sizeof(T) == 2) v = widen(narrow(v));
        if (n == kLanes)
          store(residual + i, v);
        else
          store_partial(residual + i, v, n);
        return v * v;
      });
}

template <class T>
int fused_add_rms(DLTensor* input, DLTensor* residual, const DLTensor* weight, double epsilon) {
  const Rows<T> x(input), sum(residual);
  if (x.empty()) return 0;
  const T* w = first<const T>(weight);
  const std::int64_t length = x.length, bytes = x.count * length * (std::int64_t)sizeof(T);
  for_each_row(x.count, 4 * bytes, [&](std::int64_t r) {
    T* row = x.row(r);
    T* stored = sum.row(r);
    const double squares = add_row(stored, row, length);
    const float factor = (float)(1.0 / std::sqrt(squares / (double)length + epsilon));
    scale_row<Write::cached>(row, stored, w, length, factor);
  });
  return 0;
}

/// A mean near zero beside its terms needs more than f32 running sums, but short sums of bf16 are exact in f32.
template <class T>
CRUCIBLE_INLINE double sum_of_row(const T* x, std::int64_t length) {
  const auto term = [&](std::int64_t i) { return load(x + i); };
  const auto partial = [&](std::int64_t i, std::int64_t n) { return load_some(x + i, n); };
  if constexpr (sizeof(T) == 2)
    return blocked_sum_of(
        length, [&](std::int64_t i) { return load_two(x + i); }, partial);
  DoubleSum a, b, c, d;
  std::int64_t i = 0;
  for (; i + 4 * kLanes <= length; i += 4 * kLanes) {
    a.add(term(i));
    b.add(term(i + kLanes));
    c.add(term(i + 2 * kLanes));
    d.add(term(i + 3 * kLanes));
  }
  for (; i + kLanes <= length; i += kLanes) a.add(term(i));
  if (i < length) b.add(partial(i, length - i));
  return (a.total() + b.total()) + (c.total() + d.total());
}

template <Write kWrite, bool kBias, class T>
CRUCIBLE_INLINE void layer_row(T* y, const T* x, const T* w, const T* b, std::int64_t length, double epsilon) {
  const double mean = sum_of_row(x, length) / (double)length;
  const float center = (float)mean;
  const VecF middle = splat(center);
  const double squares = blocked_sum_of(
      length,
      [&](std::int64_t i) {
        const Two v = load_two(x + i), d{v.a - middle, v.b - middle};
        return Two{d.a * d.a, d.b * d.b};
      },
      [&](std::int64_t i, std::int64_t n) {
        const VecF v = (n == kLanes ? load(x + i) : load_partial(x + i, n, center)) - middle;
        return v * v;
      });
  const float factor = (float)(1.0 / std::sqrt(squares / (double)length + epsilon));
  const VecF scale = splat(factor);
  write_each<kWrite>(y, length, [&](auto get) {
    const VecF v = (get(x) - middle) * scale * get(w);
    return kBias ? v + get(b) : v;
  });
}

template <class T>
int layer(DLTensor* out, const DLTensor* input, const DLTensor* weight, const DLTensor* bias, double epsilon) {
  const Rows<T> to(out);
  const Rows<const T> from(input);
  if (to.empty()) return 0;
  const T* w = first<const T>(weight);
  const T* b = bias == nullptr ? nullptr : first<const T>(bias);
  const std::int64_t length = to.length, bytes = to.count * length * (std::int64_t)sizeof(T);
  const bool streamed = bytes >= kStreamBytes;
  for_each_row(to.count, 2 * bytes, [&](std::int64_t r) {
    const T* x = from.row(r);
    T* y = to.row(r);
    if (b == nullptr)
      streamed ? layer_row<Write::streamed, false>(y, x, w, b, length, epsilon)
               : layer_row<Write::cached, false>(y, x, w, b, length, epsilon);
    else
      streamed ? layer_row<Write::streamed, true>(y, x, w, b, length, epsilon)
               : layer_row<Write::cached, true>(y, x, w, b, length, epsilon);
  });
  return 0;
}

}  // namespace

int rms_norm(DLTensor* out, const DLTensor* input, const DLTensor* weight, double epsilon) {
  if (is_f32(out)) return rms<float>(out, input, weight, epsilon);
  if (is_bf16(out)) return rms<BFloat16>(out, input, weight, epsilon);
  return kNotServed;
}

int fused_add_rms_norm(DLTensor* input, DLTensor* residual, const DLTensor* weight, double epsilon) {
  if (is_f32(input)) return fused_add_rms<float>(input, residual, weight, epsilon);
  if (is_bf16(input)) return fused_add_rms<BFloat16>(input, residual, weight, epsilon);
  return kNotServed;
}

int layer_norm(DLTensor* out, const DLTensor* input, const DLTensor* weight, const DLTensor* bias, double epsilon) {
  if (is_f32(out)) return layer<float>(out, input, weight, bias, epsilon);
  if (is_bf16(out)) return layer<BFloat16>(out, input, weight, bias, epsilon);
  return kNotServed;
}

}  // namespace crucible::baseline::CRUCIBLE_ISA
