// softmax: rows over the threads; a branch-free exp vectorized by the compiler, 32 running sums
// Technique after: PyTorch vec_softmax_lastdim: rows over the threads, vectorized within
#include <crucible/kernel.h>

#include <cmath>
#include <cstdint>
#include <cstring>

namespace {

/// A bf16 element: the upper half of a float.
struct Bf16 {
  std::uint16_t bits;
};

inline float to_float(float x) { return x; }
inline float to_float(Bf16 x) { return __builtin_bit_cast(float, std::uint32_t{x.bits} << 16); }
inline void put(float* to, float x) { *to = x; }
inline void put(Bf16* to, float x) {  // to nearest even, NaN kept
  const std::uint32_t u = __builtin_bit_cast(std::uint32_t, x);
  const bool nan = (u & 0x7fffffffu) > 0x7f800000u;
  to->bits = static_cast<std::uint16_t>(nan ? (u >> 16) | 0x40u : (u + 0x7fffu + ((u >> 16) & 1u)) >> 16);
}

template <class T>
T* first(const DLTensor* t) {
  return reinterpret_cast<T*>(static_cast<char*>(t->data) + t->byte_offset);
}

inline std::int64_t row_count(const DLTensor* t) {
  std::int64_t rows = 1;
  for (int axis = 0; axis + 1 < t->ndim; ++axis) rows *= t->shape[axis];
  return rows;
}

/// First element of a row of a tensor of 1 to 3 dimensions with any leading strides.
template <class T>
T* row_of(const DLTensor* t, std::int64_t row) {
  T* p = first<T>(t);
  if (t->ndim == 2) return p + row * t->strides[0];
  if (t->ndim == 3) return p + row / t->shape[1] * t->strides[0] + row % t->shape[1] * t->strides[1];
  return p;
}

/// exp as 2^n times a polynomial, without branches, so that a loop over it vectorizes; below 2^-126 it is 0.
inline float fast_exp(float x) {
  float b = x < -87.33654f ? -87.33654f : x;
  b = b > 89.0f ? 89.0f : b;
  const float n = __builtin_rintf(b * 1.44269504f);
  const float r = __builtin_fmaf(n, 2.12194440e-4f, __builtin_fmaf(n, -0.693359375f, b));
  float p = __builtin_fmaf(r, 1.9875691500e-4f, 1.3981999507e-3f);
  p = __builtin_fmaf(p, r, 8.3334519073e-3f);
  p = __builtin_fmaf(p, r, 4.1665795894e-2f);
  p = __builtin_fmaf(p, r, 1.6666665459e-1f);
  p = __builtin_fmaf(p, r, 5.0000001201e-1f);
  p = __builtin_fmaf(p, r * r, r) + 1.0f;
  const std::int32_t k = static_cast<std::int32_t>(n), h = k >> 1;
  p *= __builtin_bit_cast(float, (h + 127) << 23) * 1.0f;
  p *= __builtin_bit_cast(float, (k - h + 127) << 23);
  return x < -87.33654f ? 0.0f : p;
}

template <class T>
int run(DLTensor* out, const DLTensor* input) {
  const std::int64_t width = out->shape[out->ndim - 1], rows = width == 0 ? 0 : row_count(out);

#pragma omp parallel for schedule(static) if (rows > 1 && rows * width > 16384)
  for (std::int64_t r = 0; r < rows; ++r) {
    const T* x = row_of<const T>(input, r);
    T* y = row_of<T>(out, r);
    float tops[32];
    for (float& t : tops) t = -__builtin_inff();
    std::int64_t i = 0;
    for (; i + 32 <= width; i += 32)
      for (int j = 0; j < 32; ++j) tops[j] = to_float(x[i + j]) > tops[j] ? to_float(x[i + j]) : tops[j];
    for (; i < width; ++i) tops[0] = to_float(x[i]) > tops[0] ? to_float(x[i]) : tops[0];
    float top = tops[0];
    for (float t : tops) top = t > top ? t : top;
    double total = 0;
    for (i = 0; i + 32 <= width;) {
      float sums[32] = {};
      for (int block = 0; block < 16 && i + 32 <= width; ++block, i += 32)
        for (int j = 0; j < 32; ++j) sums[j] += fast_exp(to_float(x[i + j]) - top);
      for (float s : sums) total += s;
    }
    for (; i < width; ++i) total += fast_exp(to_float(x[i]) - top);
    const float scale = static_cast<float>(1.0 / total);
    for (i = 0; i < width; ++i) put(y + i, fast_exp(to_float(x[i]) - top) * scale);
  }
  return 0;
}

}  // namespace

extern "C" int softmax(DLTensor* out, const DLTensor* input, void*) {
  return out->dtype.code == kDLBfloat ? run<Bf16>(out, input) : run<float>(out, input);
}
