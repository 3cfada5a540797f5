#include <crucible/kernel.h>
#include <cstdint>
#include <cmath>
#include <cstring>
#include <algorithm>
#include <immintrin.h>
namespace {
inline const float* cptr(const DLTensor* t) { return reinterpret_cast<const float*>(static_cast<const char*>(t->data) + t->byte_offset); }
inline float* mptr(DLTensor* t) { return reinterpret_cast<float*>(static_cast<char*>(t->data) + t->byte_offset); }
}
extern "C" int softmax(DLTensor* out, const DLTensor* input, void*) {
  const std::int64_t width = input->shape[input->ndim - 1];
  std::int64_t rows = 1;
  for (int a = 0; a + 1 < input->ndim; ++a) rows *= input->shape[a];
  const float* from = cptr(input);
  float* to = mptr(out);
  for (std::int64_t r = 0; r < rows; ++r) {
    const float* x = from + r * width;
    float* y = to + r * width;
    float m = -INFINITY;
    for (std::int64_t i = 0; i < width; ++i) m = std::max(m, x[i]);
    float sum = 0;
    for (std::int64_t i = 0; i < width; ++i) { y[i] = std::exp(x[i] - m); sum += y[i]; }
    for (std::int64_t i = 0; i < width; ++i) y[i] /= sum;
  }
  return 0;
}
