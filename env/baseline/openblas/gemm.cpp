#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "env/baseline/openblas/library.h"
#include "env/baseline/tensor.h"

/// Of <omp.h>, which other compilers' tools do not find.
extern "C" int omp_get_max_threads(void);

/// gemm and gemm_gelu in f32 by sgemm, or sgemv for a single row; the activation is a pass over the result.
namespace crucible::baseline::openblas {
namespace {

/// gelu(z) = z / (1 + exp(-2·sqrt(2/pi)·(z + 0.044715·z³))), the tanh form, in a shape that compilers vectorize.
[[gnu::always_inline]] inline float gelu(float z) {
  constexpr float kLog2e = 1.44269504088896341f;
  float x = -1.5957691216057308f * (z + 0.044715f * (z * z * z));
  x = x < -87.0f ? -87.0f : x;
  const float bounded = x > 88.0f ? 88.0f : x;
  const float n = (bounded * kLog2e + 12582912.0f) - 12582912.0f;
  const float r = (bounded - n * 0.693359375f) - n * -2.12194440e-4f;
  float p = 1.9875691500e-4f;
  p = p * r + 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
  const float e = (p * (r * r) + r) + 1.0f;
  const std::int32_t exponent = ((std::int32_t)n + 127) << 23;
  float power;
  std::memcpy(&power, &exponent, sizeof power);
  const float exponential = x > 88.0f ? std::numeric_limits<float>::infinity() : e * power;
  return z / (1.0f + exponential);
}

#if defined(__x86_64__)
[[gnu::target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")]]
#endif
void
gelu_all(float* values, std::int64_t count) {
  for (std::int64_t i = 0; i < count; ++i) values[i] = gelu(values[i]);
}

/// How b[K,N] lies in memory: row-major, or the transposed view of a row-major [N,K].
struct Operand {
  bool served = false;
  CBLAS_TRANSPOSE transpose = CblasNoTrans;
  std::int64_t leading = 0;
};

Operand describe(const DLTensor* b) {
  const std::int64_t k = b->shape[0], n = b->shape[1], rows = b->strides[0], columns = b->strides[1];
  if ((columns == 1 || n == 1) && (rows >= n || k == 1)) return {true, CblasNoTrans, std::max(rows, n)};
  if ((rows == 1 || k == 1) && (columns >= k || n == 1)) return {true, CblasTrans, std::max(columns, k)};
  return {};
}

int multiply(DLTensor* out, const DLTensor* a, const DLTensor* b, const DLTensor* bias) {
  const Library* blas = library();
  if (blas == nullptr || !is_f32(out)) return kNotServed;
  const std::int64_t m = a->shape[0], k = a->shape[1], n = b->shape[1];
  if (m == 0 || n == 0) return 0;
  const Operand weights = describe(b);
  const std::int64_t leading = m == 1 ? k : a->strides[0];
  if (k == 0 || !weights.served || leading < k || leading > INT32_MAX || weights.leading > INT32_MAX) return kNotServed;

  static int threads = 0;
  if (threads != omp_get_max_threads()) blas->set_num_threads(threads = omp_get_max_threads());
  float* c = first<float>(out);
  float beta = 0;
  if (bias != nullptr) {
    const float* row = first<const float>(bias);
    for (std::int64_t i = 0; i < m; ++i) std::memcpy(c + i * n, row, (std::size_t)n * sizeof(float));
    beta = 1;
  }
  const float *left = first<const float>(a), *right = first<const float>(b);
  if (m == 1) {
    const bool transposed = weights.transpose == CblasTrans;
    blas->sgemv(CblasRowMajor, transposed ? CblasNoTrans : CblasTrans, (int)(transposed ? n : k),
                (int)(transposed ? k : n), 1.0f, right, (int)weights.leading, left, 1, beta, c, 1);
  } else {
    blas->sgemm(CblasRowMajor, CblasNoTrans, weights.transpose, (int)m, (int)n, (int)k, 1.0f, left, (int)leading, right,
                (int)weights.leading, beta, c, (int)n);
  }
  return 0;
}

}  // namespace
}  // namespace crucible::baseline::openblas

using namespace crucible::baseline;

CRUCIBLE_BASELINE_EXPORT int gemm(DLTensor* out, const DLTensor* a, const DLTensor* b, const DLTensor* bias, void*) {
  return openblas::multiply(out, a, b, bias);
}

CRUCIBLE_BASELINE_EXPORT int gemm_gelu(DLTensor* out, const DLTensor* a, const DLTensor* b, const DLTensor* bias,
                                       void*) {
  if (const int refused = openblas::multiply(out, a, b, bias)) return refused;
  const std::int64_t rows = out->shape[0], columns = out->shape[1];
  float* z = first<float>(out);
#pragma omp parallel for schedule(static) if (rows > 1 && rows * columns >= 65536)
  for (std::int64_t row = 0; row < rows; ++row) openblas::gelu_all(z + row * columns, columns);
  return 0;
}
