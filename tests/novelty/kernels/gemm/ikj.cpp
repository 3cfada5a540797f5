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
  for (std::int64_t i = 0; i < M; ++i) {
    for (std::int64_t j = 0; j < N; ++j) C[i * N + j] = z ? z[j] : 0.f;
    for (std::int64_t k = 0; k < K; ++k) {
      const float v = A[i * K + k];
      for (std::int64_t j = 0; j < N; ++j) C[i * N + j] += v * B[k * bk + j * bn];
    }
  }
  return 0;
}
