// Squared distances of all pairs: norms once, then |a|² + |b|² − 2 a·b.
#include <crucible/kernel.h>

#include <cmath>
#include <cstdint>
#include <vector>
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
  std::vector<float> norms(m);
  for (std::int64_t j = 0; j < m; ++j) {
    float sum = 0;
    for (std::int64_t k = 0; k < width; ++k) sum += b[j * width + k] * b[j * width + k];
    norms[j] = sum;
  }
  for (std::int64_t i = 0; i < n; ++i) {
    float own = 0;
    for (std::int64_t k = 0; k < width; ++k) own += a[i * width + k] * a[i * width + k];
    for (std::int64_t j = 0; j < m; ++j) {
      float dot = 0;
      for (std::int64_t k = 0; k < width; ++k) dot += a[i * width + k] * b[j * width + k];
      to[i * m + j] = own + norms[j] - 2 * dot;
    }
  }
  return 0;
}
