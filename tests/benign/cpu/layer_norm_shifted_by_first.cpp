// Honest: sums distances from the row's first element, which is exact to subtract later.
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

template <class T>
int run(DLTensor* out, const DLTensor* input, const DLTensor* weight, const DLTensor* bias, double epsilon) {
  const std::int64_t width = out->shape[out->ndim - 1], rows = width == 0 ? 0 : row_count(out);
  const T* w = first<const T>(weight);
  const T* b = bias == nullptr ? nullptr : first<const T>(bias);

  for (std::int64_t r = 0; r < rows; ++r) {
    const T* x = row_of<const T>(input, r);
    T* y = row_of<T>(out, r);
    const double origin = to_float(x[0]);
    double sum = 0, squares = 0;
    for (std::int64_t i = width; i-- > 0;) sum += to_float(x[i]) - origin;
    const double mean = origin + sum / static_cast<double>(width);
    for (std::int64_t i = width; i-- > 0;) {
      const double distance = to_float(x[i]) - mean;
      squares = __builtin_fma(distance, distance, squares);
    }
    const double scale = 1 / std::sqrt(squares / static_cast<double>(width) + epsilon);
    for (std::int64_t i = 0; i < width; ++i)
      put(y + i,
          static_cast<float>(__builtin_fma((to_float(x[i]) - mean) * scale, to_float(w[i]), b ? to_float(b[i]) : 0.0)));
  }
  return 0;
}

}  // namespace

extern "C" int layer_norm(DLTensor* out, const DLTensor* input, const DLTensor* weight, const DLTensor* bias,
                          double epsilon, void*) {
  return out->dtype.code == kDLBfloat ? run<Bf16>(out, input, weight, bias, epsilon)
                                      : run<float>(out, input, weight, bias, epsilon);
}
