#pragma once

// Elements of the tensors that an oracle reads, and sums over a warp. Device code alone.

#include "env/backend/cuda/oracle_device.cuh"
#include "env/backend/cuda/oracle_jobs.h"

namespace {

/// Exact value of one e4m3 code.
__device__ __forceinline__ double value_of_f8(uint32_t bits) {
  const uint32_t exponent = bits >> 3 & 15, fraction = bits & 7;
  if (exponent == 15 && fraction == 7) return __longlong_as_double(0x7ff8000000000000ll);
  const double size = exponent == 0 ? fraction * 0x1p-9 : ldexp((double)(8 + fraction), (int)exponent - 10);
  return bits & 0x80 ? -size : size;
}

__device__ __forceinline__ int64_t integer_at(const CrucibleOracleTensor& t, int64_t index) {
  return t.element == CRUCIBLE_I64 ? ((const int64_t*)t.base)[index] : ((const int32_t*)t.base)[index];
}

__device__ __forceinline__ double value_at(const CrucibleOracleTensor& t, int64_t index) {
  if (t.element == CRUCIBLE_F8E4M3) return value_of_f8(((const uint8_t*)t.base)[index]);
  return element_at(t.base, (uint64_t)index, t.element);
}

/// Where index `i` of axis 0 lies, in elements.
__device__ __forceinline__ int64_t row_at(const CrucibleOracleTensor& t, int64_t i) {
  if (t.rows != 0) i = (int64_t)(((uint64_t)t.multiplier * (uint64_t)i + t.offset) % t.rows);
  return i * t.stride[0];
}

/// The product of an element of `a` and one of `b`, exact: two significands of at most 12 bits fit a float's.
__device__ __forceinline__ double product_at(const CrucibleOracleTensor& a, int64_t i, const CrucibleOracleTensor& b,
                                             int64_t j) {
  switch (a.element) {
    case CRUCIBLE_F16:
      return __half2float(((const __half*)a.base)[i]) * __half2float(((const __half*)b.base)[j]);
    case CRUCIBLE_BF16:
      return __bfloat162float(((const __nv_bfloat16*)a.base)[i]) * __bfloat162float(((const __nv_bfloat16*)b.base)[j]);
    default:
      return value_at(a, i) * value_at(b, j);
  }
}

__device__ __forceinline__ double over_warp(double v) {
  for (int lane = 16; lane > 0; lane /= 2) v += __shfl_xor_sync(~0u, v, lane);
  return v;
}

__device__ __forceinline__ double most_of_warp(double v) {
  for (int lane = 16; lane > 0; lane /= 2) v = fmax(v, __shfl_xor_sync(~0u, v, lane));
  return v;
}

__device__ __forceinline__ int64_t this_warp() { return ((int64_t)blockIdx.x * blockDim.x + threadIdx.x) / 32; }
__device__ __forceinline__ int64_t all_warps() { return (int64_t)gridDim.x * blockDim.x / 32; }
__device__ __forceinline__ double infinite() { return __longlong_as_double(0x7ff0000000000000ll); }

}  // namespace
