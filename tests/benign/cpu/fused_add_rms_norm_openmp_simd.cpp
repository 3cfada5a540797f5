// Honest: rows over the threads, an OpenMP simd reduction over blocks of 256.
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
int run(DLTensor* input, DLTensor* residual, const DLTensor* weight, double epsilon) {
  const std::int64_t width = input->shape[input->ndim - 1], rows = width == 0 ? 0 : row_count(input);
  const T* w = first<const T>(weight);
#pragma omp parallel for schedule(dynamic, 2)

  for (std::int64_t r = 0; r < rows; ++r) {
    T *x = row_of<T>(input, r), *kept = row_of<T>(residual, r);
    double squares = 0;
    for (std::int64_t from = 0; from < width; from += 256) {
      const std::int64_t end = width - from < 256 ? width : from + 256;
      float block = 0;
#pragma omp simd reduction(+ : block)
      for (std::int64_t i = from; i < end; ++i) {
        put(kept + i, to_float(x[i]) + to_float(kept[i]));
        block += to_float(kept[i]) * to_float(kept[i]);
      }
      squares += static_cast<double>(block);
    }
    const float scale = static_cast<float>(1 / std::sqrt(squares / static_cast<double>(width) + epsilon));
    for (std::int64_t i = 0; i < width; ++i) put(x + i, to_float(kept[i]) * scale * to_float(w[i]));
  }
  return 0;
}

}  // namespace

extern "C" int fused_add_rms_norm(DLTensor* input, DLTensor* residual, const DLTensor* weight, double epsilon, void*) {
  return input->dtype.code == kDLBfloat ? run<Bf16>(input, residual, weight, epsilon)
                                        : run<float>(input, residual, weight, epsilon);
}
