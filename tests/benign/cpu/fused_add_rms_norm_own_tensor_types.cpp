// Honest: declares the tensor types itself instead of including the header.
#include <cmath>
#include <cstdint>
#include <cstring>

struct DLDevice {
  int device_type;
  std::int32_t device_id;
};
struct DLDataType {
  std::uint8_t code, bits;
  std::uint16_t lanes;
};
struct DLTensor {
  void* data;
  DLDevice device;
  std::int32_t ndim;
  DLDataType dtype;
  std::int64_t* shape;
  std::int64_t* strides;
  std::uint64_t byte_offset;
};
static_assert(sizeof(DLTensor) == 48);

namespace {

constexpr int kDLBfloat = 4;
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
void add_and_norm(T* x, T* kept, const T* w, std::int64_t width, double epsilon) {
  double squares = 0;
  for (std::int64_t i = 0; i < width; ++i) {
    put(kept + i, to_float(x[i]) + to_float(kept[i]));
    squares += static_cast<double>(to_float(kept[i])) * to_float(kept[i]);
  }
  const float scale = static_cast<float>(1.0 / std::sqrt(squares / width + epsilon));
  for (std::int64_t i = 0; i < width; ++i) put(x + i, to_float(kept[i]) * scale * to_float(w[i]));
}

template <class T>
int run(DLTensor* input, DLTensor* residual, const DLTensor* weight, double epsilon) {
  const std::int64_t width = input->shape[input->ndim - 1], rows = width == 0 ? 0 : row_count(input);
  const T* w = first<const T>(weight);
  for (std::int64_t r = 0; r < rows; ++r) add_and_norm(row_of<T>(input, r), row_of<T>(residual, r), w, width, epsilon);
  return 0;
}
}  // namespace

extern "C" int fused_add_rms_norm(DLTensor* input, DLTensor* residual, const DLTensor* weight, double epsilon, void*) {
  return input->dtype.code == kDLBfloat ? run<Bf16>(input, residual, weight, epsilon)
                                        : run<float>(input, residual, weight, epsilon);
}
