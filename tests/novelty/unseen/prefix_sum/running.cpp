// Row-wise prefix sums: one running sum.
#include <crucible/kernel.h>

#include <cmath>
#include <cstdint>

namespace {
const float* read(const DLTensor* t) {
  return reinterpret_cast<const float*>(static_cast<const char*>(t->data) + t->byte_offset);
}
float* write(DLTensor* t) { return reinterpret_cast<float*>(static_cast<char*>(t->data) + t->byte_offset); }
}  // namespace

extern "C" int prefix_sum(DLTensor* out, const DLTensor* input, void*) {
  const std::int64_t rows = input->shape[0], width = input->shape[1];
  const float* from = read(input);
  float* to = write(out);
  for (std::int64_t r = 0; r < rows; ++r) {
    float sum = 0;
    for (std::int64_t i = 0; i < width; ++i) {
      sum += from[r * width + i];
      to[r * width + i] = sum;
    }
  }
  return 0;
}
