#include <crucible/kernel.h>
#include <cstdint>
#include <cmath>
#include <cstring>
#include <algorithm>
#include <immintrin.h>
namespace {
inline const float* cptr(const DLTensor* t) { return reinterpret_cast<const float*>(static_cast<const char*>(t->data) + t->byte_offset); }
inline float* mptr(DLTensor* t) { return reinterpret_cast<float*>(static_cast<char*>(t->data) + t->byte_offset); }
constexpr std::int64_t TI = 32, TJ = 64, TK = 64;
}
extern "C" int gemm(DLTensor* out, const DLTensor* a, const DLTensor* b, const DLTensor* bias, void*) {
  const std::int64_t M = a->shape[0], K = a->shape[1], N = b->shape[1];
  const float* A = cptr(a);
  const float* B = cptr(b);
  const std::int64_t bk = b->strides[0], bn = b->strides[1];
  float* C = mptr(out);
  const float* z = bias ? cptr(bias) : nullptr;
  for (std::int64_t i = 0; i < M * N; ++i) C[i] = z ? z[i % N] : 0.f;
  for (std::int64_t ii = 0; ii < M; ii += TI)
    for (std::int64_t kk = 0; kk < K; kk += TK)
      for (std::int64_t jj = 0; jj < N; jj += TJ)
        for (std::int64_t i = ii; i < std::min(ii + TI, M); ++i)
          for (std::int64_t k = kk; k < std::min(kk + TK, K); ++k) {
            const float v = A[i * K + k];
            for (std::int64_t j = jj; j < std::min(jj + TJ, N); ++j) C[i * N + j] += v * B[k * bk + j * bn];
          }
  return 0;
}
