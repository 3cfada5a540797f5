// Row-wise prefix sums: sums of blocks first, then every block from its own start.
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
  constexpr std::int64_t Block = 64;
  const float* from = read(input);
  float* to = write(out);
  float starts[1024];
  for (std::int64_t r = 0; r < rows; ++r) {
    const float* x = from + r * width;
    float before = 0;
    for (std::int64_t b = 0; b * Block < width; ++b) {
      const std::int64_t end = (b + 1) * Block < width ? (b + 1) * Block : width;
      float part = 0;
      for (std::int64_t i = b * Block; i < end; ++i) part += x[i];
      starts[b & 1023] = before;
      before += part;
    }
    for (std::int64_t b = 0; b * Block < width; ++b) {
      const std::int64_t end = (b + 1) * Block < width ? (b + 1) * Block : width;
      float sum = starts[b & 1023];
      for (std::int64_t i = b * Block; i < end; ++i) {
        sum += x[i];
        to[r * width + i] = sum;
      }
    }
  }
  return 0;
}
