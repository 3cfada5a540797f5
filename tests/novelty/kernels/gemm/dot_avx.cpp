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
extern "C" int gemm(DLTensor* out, const DLTensor* a, const DLTensor* b, const DLTensor* bias, void*) {
  const std::int64_t M = a->shape[0], K = a->shape[1], N = b->shape[1];
  const float* A = cptr(a);
  const float* B = cptr(b);
  const std::int64_t bk = b->strides[0], bn = b->strides[1];
  float* C = mptr(out);
  const float* z = bias ? cptr(bias) : nullptr;
#pragma omp parallel for
  for (std::int64_t i = 0; i < M; ++i)
    for (std::int64_t j = 0; j < N; ++j) {
      __m256 s = _mm256_setzero_ps();
      std::int64_t k = 0;
      float t = z ? z[j] : 0.f;
      if (bk == 1) for (; k + 8 <= K; k += 8) s = _mm256_fmadd_ps(_mm256_loadu_ps(A + i * K + k), _mm256_loadu_ps(B + j * bn + k), s);
      t += sum256(s);
      for (; k < K; ++k) t += A[i * K + k] * B[k * bk + j * bn];
      C[i * N + j] = t;
    }
  return 0;
}
