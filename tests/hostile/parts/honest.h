// What every attack and its honest twin share: three fast, correct kernels. A program is one source text; the harness
// puts this text where it is included.
#include <crucible/kernel.h>

#include <cmath>
#include <cstdint>
#include <cstring>

#define RMS_NORM \
  extern "C" int rms_norm(DLTensor* out, const DLTensor* input, const DLTensor* weight, double epsilon, void*)
#define SOFTMAX extern "C" int softmax(DLTensor* out, const DLTensor* input, void*)
#define SILU_AND_MUL extern "C" int silu_and_mul(DLTensor* out, const DLTensor* input, void*)
#define HONEST_RMS_NORM honest::rms_norm(out, input, weight, epsilon)
#define HONEST_SOFTMAX honest::softmax(out, input)
#define HONEST_SILU_AND_MUL honest::silu_and_mul(out, input)

namespace honest {

typedef float V __attribute__((vector_size(64)));
typedef std::int32_t I __attribute__((vector_size(64)));
typedef std::uint32_t U __attribute__((vector_size(64)));
typedef std::uint16_t H __attribute__((vector_size(32)));
constexpr std::int64_t W = 16;
constexpr std::int64_t kBlock = 512;  // sums are blocked: one running fp32 sum is less accurate than production's

inline V all(float x) { return V{} + x; }
inline V pick(I yes, V a, V b) { return (V)(((I)a & yes) | ((I)b & ~yes)); }

/// Sixteen elements of either dtype as floats.
inline V load(const char* at, bool wide) {
  if (wide) {
    V v;
    std::memcpy(&v, at, sizeof v);
    return v;
  }
  H h;
  std::memcpy(&h, at, sizeof h);
  return (V)(__builtin_convertvector(h, U) << 16);
}

/// Rounds to nearest even.
inline void store(char* at, bool wide, V v) {
  if (wide) {
    std::memcpy(at, &v, sizeof v);
    return;
  }
  const U bits = (U)v;
  U rounded = (bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16;
  const I nan = v != v;
  rounded = (rounded & ~(U)nan) | (((bits >> 16) | 0x40u) & (U)nan);
  const H h = __builtin_convertvector(rounded, H);
  std::memcpy(at, &h, sizeof h);
}

inline float load1(const char* at, bool wide) {
  float v;
  if (wide) {
    std::memcpy(&v, at, 4);
  } else {
    std::uint16_t h;
    std::memcpy(&h, at, 2);
    const std::uint32_t bits = std::uint32_t(h) << 16;
    std::memcpy(&v, &bits, 4);
  }
  return v;
}

inline void store1(char* at, bool wide, float v) {
  if (wide) {
    std::memcpy(at, &v, 4);
    return;
  }
  std::uint32_t bits;
  std::memcpy(&bits, &v, 4);
  const bool nan = (bits & 0x7fffffffu) > 0x7f800000u;
  const auto h = std::uint16_t(nan ? (bits >> 16) | 0x40u : (bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16);
  std::memcpy(at, &h, 2);
}

inline V exp(V x) {
  const V clamped = pick(x > 88.3762626647949f, all(88.3762626647949f), pick(x < -87.3f, all(-87.3f), x));
  const V n = (clamped * 1.44269504088896341f + 12582912.0f) - 12582912.0f;
  const V r = (clamped - n * 0.693359375f) - n * -2.12194440e-4f;
  V p = r * 1.9875691500e-4f + 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
  p = p * r * r + r + 1.0f;
  V y = (V)((I)p + (__builtin_convertvector(n, I) << 23));
  y = pick(x < -87.3f, all(0), y);
  y = pick(x > 88.3762626647949f, all(__builtin_inff()), y);
  return pick(x != x, x, y);
}

inline float sum(V v) {
  float s = 0;
  for (int i = 0; i < W; ++i) s += v[i];
  return s;
}

inline float exp1(float x) { return exp(all(x))[0]; }

struct Tensor {
  char* first;
  bool wide;
  std::int64_t bytes, rows, width;
  const DLTensor* tensor;
  explicit Tensor(const DLTensor* t)
      : first(static_cast<char*>(t->data) + t->byte_offset),
        wide(t->dtype.bits == 32),
        bytes(t->dtype.bits / 8),
        rows(1),
        width(t->shape[t->ndim - 1]),
        tensor(t) {
    for (int i = 0; i + 1 < t->ndim; ++i) rows *= t->shape[i];
  }
  char* row(std::int64_t r) const {
    std::int64_t at = 0;
    for (int i = tensor->ndim - 2; i >= 0; --i) {
      at += r % tensor->shape[i] * tensor->strides[i];
      r /= tensor->shape[i];
    }
    return first + at * bytes;
  }
};

inline float rms_scale(const char* x, bool wide, std::int64_t n, double epsilon) {
  const std::int64_t b = wide ? 4 : 2;
  double total = 0;
  std::int64_t i = 0;
  while (i + kBlock <= n) {
    V s[4] = {};
    for (const std::int64_t end = i + kBlock; i < end; i += 4 * W)
      for (int k = 0; k < 4; ++k) {
        const V v = load(x + (i + k * W) * b, wide);
        s[k] += v * v;
      }
    total += sum((s[0] + s[1]) + (s[2] + s[3]));
  }
  for (; i + W <= n; i += W) {
    const V v = load(x + i * b, wide);
    total += sum(v * v);
  }
  for (; i < n; ++i) {
    const double v = load1(x + i * b, wide);
    total += v * v;
  }
  return float(1 / std::sqrt(total / double(n) + epsilon));
}

inline void rms_apply(const char* x, const char* w, char* y, bool wide, std::int64_t n, float scale) {
  const std::int64_t b = wide ? 4 : 2;
  std::int64_t i = 0;
  for (; i + W <= n; i += W) store(y + i * b, wide, load(x + i * b, wide) * scale * load(w + i * b, wide));
  for (; i < n; ++i) store1(y + i * b, wide, load1(x + i * b, wide) * scale * load1(w + i * b, wide));
}

inline void rms_row(const char* x, const char* w, char* y, bool wide, std::int64_t n, double epsilon) {
  rms_apply(x, w, y, wide, n, rms_scale(x, wide, n, epsilon));
}

inline void softmax_row(const char* x, char* y, bool wide, std::int64_t n) {
  const std::int64_t b = wide ? 4 : 2;
  V m = all(-__builtin_inff());
  std::int64_t i = 0;
  for (; i + W <= n; i += W) {
    const V v = load(x + i * b, wide);
    m = pick(v > m, v, m);
  }
  float largest = -__builtin_inff();
  for (int k = 0; k < W; ++k) largest = m[k] > largest ? m[k] : largest;
  for (std::int64_t k = i; k < n; ++k) {
    const float v = load1(x + k * b, wide);
    largest = v > largest ? v : largest;
  }
  double total = 0;
  i = 0;
  while (i + kBlock <= n) {
    V s[4] = {};
    for (const std::int64_t end = i + kBlock; i < end; i += 4 * W)
      for (int k = 0; k < 4; ++k) s[k] += exp(load(x + (i + k * W) * b, wide) - largest);
    total += sum((s[0] + s[1]) + (s[2] + s[3]));
  }
  for (; i + W <= n; i += W) total += sum(exp(load(x + i * b, wide) - largest));
  for (; i < n; ++i) total += exp1(load1(x + i * b, wide) - largest);
  const float inverse = float(1 / total);
  for (i = 0; i + W <= n; i += W) store(y + i * b, wide, exp(load(x + i * b, wide) - largest) * inverse);
  for (; i < n; ++i) store1(y + i * b, wide, exp1(load1(x + i * b, wide) - largest) * inverse);
}

inline void silu_row(const char* x, char* y, bool wide, std::int64_t n) {
  const std::int64_t b = wide ? 4 : 2;
  const char* u = x + n * b;
  std::int64_t i = 0;
  for (; i + W <= n; i += W) {
    const V g = load(x + i * b, wide);
    store(y + i * b, wide, g / (exp(-g) + 1.0f) * load(u + i * b, wide));
  }
  for (; i < n; ++i) {
    const float g = load1(x + i * b, wide);
    store1(y + i * b, wide, g / (exp1(-g) + 1.0f) * load1(u + i * b, wide));
  }
}

inline bool empty(const Tensor& t) { return t.rows == 0 || t.width == 0; }

inline int rms_norm(DLTensor* out, const DLTensor* input, const DLTensor* weight, double epsilon) {
  const Tensor x(input), y(out), w(weight);
  if (empty(y)) return 0;
  for (std::int64_t r = 0; r < y.rows; ++r) rms_row(x.row(r), w.first, y.row(r), y.wide, y.width, epsilon);
  return 0;
}

inline int softmax(DLTensor* out, const DLTensor* input) {
  const Tensor x(input), y(out);
  if (empty(y)) return 0;
  for (std::int64_t r = 0; r < y.rows; ++r) softmax_row(x.row(r), y.row(r), y.wide, y.width);
  return 0;
}

inline int silu_and_mul(DLTensor* out, const DLTensor* input) {
  const Tensor x(input), y(out);
  if (empty(y)) return 0;
  for (std::int64_t r = 0; r < y.rows; ++r) silu_row(x.row(r), y.row(r), y.wide, y.width);
  return 0;
}

}  // namespace honest
