// Transposition: rows are read, columns written.
#include <crucible/kernel.h>

#include <cmath>
#include <cstdint>

namespace {
const float* read(const DLTensor* t) {
  return reinterpret_cast<const float*>(static_cast<const char*>(t->data) + t->byte_offset);
}
float* write(DLTensor* t) { return reinterpret_cast<float*>(static_cast<char*>(t->data) + t->byte_offset); }
}  // namespace

extern "C" int transpose(DLTensor* out, const DLTensor* input, void*) {
  const std::int64_t rows = input->shape[0], columns = input->shape[1];
  const float* from = read(input);
  float* to = write(out);
  for (std::int64_t r = 0; r < rows; ++r)
    for (std::int64_t c = 0; c < columns; ++c) to[c * rows + r] = from[r * columns + c];
  return 0;
}
