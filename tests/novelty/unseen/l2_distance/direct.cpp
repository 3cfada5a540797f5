// Squared distances of all pairs: differences, squared and summed.
#include <crucible/kernel.h>

#include <cmath>
#include <cstdint>

namespace {
const float* read(const DLTensor* t) {
  return reinterpret_cast<const float*>(static_cast<const char*>(t->data) + t->byte_offset);
}
float* write(DLTensor* t) { return reinterpret_cast<float*>(static_cast<char*>(t->data) + t->byte_offset); }
}  // namespace

extern "C" int l2_distance(DLTensor* out, const DLTensor* left, const DLTensor* right, void*) {
  const std::int64_t n = left->shape[0], m = right->shape[0], width = left->shape[1];
  const float *a = read(left), *b = read(right);
  float* to = write(out);
  for (std::int64_t i = 0; i < n; ++i)
    for (std::int64_t j = 0; j < m; ++j) {
      float sum = 0;
      for (std::int64_t k = 0; k < width; ++k) {
        const float d = a[i * width + k] - b[j * width + k];
        sum += d * d;
      }
      to[i * m + j] = sum;
    }
  return 0;
}
