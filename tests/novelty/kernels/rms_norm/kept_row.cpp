#include <crucible/kernel.h>
#include <cstdint>
#include <cmath>
#include <cstring>
#include <algorithm>
#include <immintrin.h>
namespace {
inline const float* cptr(const DLTensor* t) { return reinterpret_cast<const float*>(static_cast<const char*>(t->data) + t->byte_offset); }
inline float* mptr(DLTensor* t) { return reinterpret_cast<float*>(static_cast<char*>(t->data) + t->byte_offset); }
float kept[16384];
}
extern "C" int rms_norm(DLTensor* out, const DLTensor* input, const DLTensor* weight, double epsilon, void*) {
  const std::int64_t width = input->shape[input->ndim - 1];
  std::int64_t rows = 1;
  for (int a = 0; a + 1 < input->ndim; ++a) rows *= input->shape[a];
  const float* from = cptr(input);
  float* to = mptr(out);
  const float* w = cptr(weight);
  for (std::int64_t r = 0; r < rows; ++r) {
    const float* x = from + r * width;
    float* y = to + r * width;
    float part[16] = {};
    for (std::int64_t i = 0; i < width; ++i) { const float v = x[i]; kept[i & 16383] = v * w[i]; part[i & 15] += v * v; }
    float s = 0;
    for (float p : part) s += p;
    const float k = float(1 / std::sqrt(s / width + epsilon));
    for (std::int64_t i = 0; i < width; ++i) y[i] = kept[i & 16383] * k;
  }
  return 0;
}
