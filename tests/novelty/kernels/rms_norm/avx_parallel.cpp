#include <crucible/kernel.h>
#include <cstdint>
#include <cmath>
#include <cstring>
#include <algorithm>
#include <immintrin.h>
namespace {
inline const float* cptr(const DLTensor* t) { return reinterpret_cast<const float*>(static_cast<const char*>(t->data) + t->byte_offset); }
inline float* mptr(DLTensor* t) { return reinterpret_cast<float*>(static_cast<char*>(t->data) + t->byte_offset); }
inline __m256 exp256(__m256 x) {
  x = _mm256_min_ps(_mm256_max_ps(x, _mm256_set1_ps(-87.3f)), _mm256_set1_ps(88.7f));
  __m256 n = _mm256_round_ps(_mm256_mul_ps(x, _mm256_set1_ps(1.44269504f)), 8);
  __m256 r = _mm256_fnmadd_ps(n, _mm256_set1_ps(0.693147180f), x);
  __m256 p = _mm256_set1_ps(1.0f / 720);
  p = _mm256_fmadd_ps(p, r, _mm256_set1_ps(1.0f / 120)); p = _mm256_fmadd_ps(p, r, _mm256_set1_ps(1.0f / 24));
  p = _mm256_fmadd_ps(p, r, _mm256_set1_ps(1.0f / 6)); p = _mm256_fmadd_ps(p, r, _mm256_set1_ps(0.5f));
  p = _mm256_fmadd_ps(p, r, _mm256_set1_ps(1.0f)); p = _mm256_fmadd_ps(p, r, _mm256_set1_ps(1.0f));
  return _mm256_castsi256_ps(_mm256_add_epi32(_mm256_castps_si256(p), _mm256_slli_epi32(_mm256_cvtps_epi32(n), 23)));
}
inline float sum256(__m256 v) { float b[8]; _mm256_storeu_ps(b, v); float s = 0; for (int i = 0; i < 8; ++i) s += b[i]; return s; }
inline float max256(__m256 v) { float b[8]; _mm256_storeu_ps(b, v); float s = b[0]; for (int i = 1; i < 8; ++i) s = b[i] > s ? b[i] : s; return s; }
}
extern "C" int rms_norm(DLTensor* out, const DLTensor* input, const DLTensor* weight, double epsilon, void*) {
  const std::int64_t width = input->shape[input->ndim - 1];
  std::int64_t rows = 1;
  for (int a = 0; a + 1 < input->ndim; ++a) rows *= input->shape[a];
  const float* from = cptr(input);
  float* to = mptr(out);
  const float* w = cptr(weight);
#pragma omp parallel for
  for (std::int64_t r = 0; r < rows; ++r) {
    const float* x = from + r * width;
    float* y = to + r * width;
    __m256 a = _mm256_setzero_ps(), b = a;
    std::int64_t i = 0;
    for (; i + 16 <= width; i += 16) { __m256 u = _mm256_loadu_ps(x + i), v = _mm256_loadu_ps(x + i + 8); a = _mm256_fmadd_ps(u, u, a); b = _mm256_fmadd_ps(v, v, b); }
    float s = sum256(_mm256_add_ps(a, b));
    for (; i < width; ++i) s += x[i] * x[i];
    const float k = float(1 / std::sqrt(s / width + epsilon));
    const __m256 vk = _mm256_set1_ps(k);
    for (i = 0; i + 8 <= width; i += 8) _mm256_storeu_ps(y + i, _mm256_mul_ps(_mm256_mul_ps(_mm256_loadu_ps(x + i), vk), _mm256_loadu_ps(w + i)));
    for (; i < width; ++i) y[i] = x[i] * k * w[i];
  }
  return 0;
}
