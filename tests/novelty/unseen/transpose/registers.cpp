// Transposition: eight by eight in registers by interleaving vectors.
#include <crucible/kernel.h>
#include <immintrin.h>

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
  for (std::int64_t r = 0; r + 4 <= rows; r += 4)
    for (std::int64_t c = 0; c + 4 <= columns; c += 4) {
      __m128 a = _mm_loadu_ps(from + r * columns + c), b = _mm_loadu_ps(from + (r + 1) * columns + c);
      __m128 d = _mm_loadu_ps(from + (r + 2) * columns + c), e = _mm_loadu_ps(from + (r + 3) * columns + c);
      _MM_TRANSPOSE4_PS(a, b, d, e);
      _mm_storeu_ps(to + c * rows + r, a);
      _mm_storeu_ps(to + (c + 1) * rows + r, b);
      _mm_storeu_ps(to + (c + 2) * rows + r, d);
      _mm_storeu_ps(to + (c + 3) * rows + r, e);
    }
  for (std::int64_t r = 0; r < rows; ++r)
    for (std::int64_t c = r < rows / 4 * 4 ? columns / 4 * 4 : 0; c < columns; ++c)
      to[c * rows + r] = from[r * columns + c];
  return 0;
}
