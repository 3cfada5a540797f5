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
extern "C" int gemm(DLTensor* out, const DLTensor* a, const DLTensor* b, const DLTensor* bias, void*) {
  const std::int64_t M = a->shape[0], K = a->shape[1], N = b->shape[1];
  const float* A = cptr(a);
  const float* B = cptr(b);
  const std::int64_t bk = b->strides[0], bn = b->strides[1];
  float* C = mptr(out);
  const float* z = bias ? cptr(bias) : nullptr;
  float* pack = new float[K * 16];
  for (std::int64_t j0 = 0; j0 < N; j0 += 16) {
    for (std::int64_t k = 0; k < K; ++k)
      for (std::int64_t j = 0; j < 16; ++j) pack[k * 16 + j] = j0 + j < N ? B[k * bk + (j0 + j) * bn] : 0.f;
    for (std::int64_t i = 0; i < M; i += 2) {
      const float *p = A + i * K, *q = A + std::min(i + 1, M - 1) * K;
      __m256 c00 = _mm256_setzero_ps(), c01 = c00, c10 = c00, c11 = c00;
      for (std::int64_t k = 0; k < K; ++k) {
        const __m256 b0 = _mm256_loadu_ps(pack + k * 16), b1 = _mm256_loadu_ps(pack + k * 16 + 8);
        const __m256 a0 = _mm256_set1_ps(p[k]), a1 = _mm256_set1_ps(q[k]);
        c00 = _mm256_fmadd_ps(a0, b0, c00); c01 = _mm256_fmadd_ps(a0, b1, c01);
        c10 = _mm256_fmadd_ps(a1, b0, c10); c11 = _mm256_fmadd_ps(a1, b1, c11);
      }
      float t[32];
      _mm256_storeu_ps(t, c00); _mm256_storeu_ps(t + 8, c01); _mm256_storeu_ps(t + 16, c10); _mm256_storeu_ps(t + 24, c11);
      for (int d = 0; d < 2 && i + d < M; ++d)
        for (std::int64_t j = 0; j < 16 && j0 + j < N; ++j) C[(i + d) * N + j0 + j] = t[d * 16 + j] + (z ? z[j0 + j] : 0.f);
    }
  }
  delete[] pack;
  return 0;
}
