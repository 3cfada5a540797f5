#pragma once

// What the judge's device oracles share: exact values of elements, η of one element, and how a block sums up its
// verdict. Device code alone.

#include <cuda_bf16.h>
#include <cuda_fp16.h>

#include "env/backend/cuda/judge_jobs.h"

namespace {

/// Exact value of an element.
__device__ __forceinline__ double element_at(uint64_t base, uint64_t index, uint32_t element) {
  switch (element) {
    case CRUCIBLE_F32:
      return ((const float*)base)[index];
    case CRUCIBLE_F16:
      return __half2float(((const __half*)base)[index]);
    default:
      return __bfloat162float(((const __nv_bfloat16*)base)[index]);
  }
}

/// Nearest even in T. A float rounded to odd keeps enough for the second rounding to be right.
__device__ __forceinline__ double rounded_to(double v, uint32_t element) {
  if (element == CRUCIBLE_F32) return (double)__double2float_rn(v);
  float f = __double2float_rz(v);
  if (isfinite(f) && (double)f != v) f = __uint_as_float(__float_as_uint(f) | 1u);
  if (element == CRUCIBLE_F16) return (double)__half2float(__float2half_rn(f));
  return (double)__bfloat162float(__float2bfloat16_rn(f));
}

struct Format {
  double unit_roundoff, smallest_normal, flush, max_finite, overflow;
};

__device__ __forceinline__ Format format_of(uint32_t element) {
  if (element == CRUCIBLE_F32) return {0x1p-24, 0x1p-126, 0x1p-126, 0x1.fffffep127, 0x1p128};
  if (element == CRUCIBLE_F16) return {0x1p-11, 0x1p-14, 0x1p-25, 65504.0, 65536.0};
  return {0x1p-8, 0x1p-126, 0x1p-126, 0x1.fep127, 0x1p128};
}

/// η of one element, as env/judge/element_error.h defines it.
__device__ double eta_of(double out, double reference, double magnitude, double flush, uint32_t element,
                         double extra = 0) {
  const Format format = format_of(element);
  const double infinity = __longlong_as_double(0x7ff0000000000000ll);
  if (isnan(reference)) return isnan(out) ? 0 : infinity;
  if (isinf(reference)) return out == reference ? 0 : infinity;
  if (isnan(out)) return infinity;
  if (isinf(out)) {
    if (signbit(out) != signbit(reference) || fabs(reference) <= format.max_finite / 2) return infinity;
    if (isinf(rounded_to(reference, element))) return 0;
    out = copysign(format.overflow, out);
  }
  const double error = fabs(out - reference) - flush * format.flush;
  if (error <= 0) return 0;
  return error / (format.unit_roundoff * fmax(fabs(reference), format.smallest_normal) + 0x1p-24 * magnitude + extra);
}

/// Sum (or maximum) over the block, of which every thread gets the result.
template <bool kMaximum>
__device__ double over_block(double v) {
  __shared__ double partial[32];
  for (int lane = 16; lane > 0; lane /= 2) {
    const double other = __shfl_xor_sync(~0u, v, lane);
    v = kMaximum ? fmax(v, other) : v + other;
  }
  __syncthreads();
  if (threadIdx.x % 32 == 0) partial[threadIdx.x / 32] = v;
  __syncthreads();
  v = partial[0];
  for (unsigned w = 1; w < blockDim.x / 32; ++w) v = kMaximum ? fmax(v, partial[w]) : v + partial[w];
  return v;
}

struct Tally {
  double largest = 0, squares = 0;
  unsigned long long rejected = 0, finite = 0, first = 0;

  __device__ void add(double eta, double out, double bar, uint64_t index) {
    largest = fmax(largest, eta);
    if (eta > bar) {
      ++rejected;
      first = max(first, ~(unsigned long long)index);
    }
    if (isfinite(eta) && isfinite(out)) {
      squares += eta * eta;
      ++finite;
    }
  }
  __device__ void flush_to(CrucibleOracleVerdict* verdict) {
    const double block_largest = over_block<true>(largest);
    const double block_squares = over_block<false>(squares);
    const double block_finite = over_block<false>((double)finite);
    if (threadIdx.x == 0) {
      atomicMax((unsigned long long*)&verdict->largest_eta, (unsigned long long)__double_as_longlong(block_largest));
      atomicAdd(&verdict->squares, block_squares);
      atomicAdd((unsigned long long*)&verdict->finite, (unsigned long long)block_finite);
    }
    if (rejected != 0) {
      atomicAdd((unsigned long long*)&verdict->rejected, rejected);
      atomicMax((unsigned long long*)&verdict->first_rejected, first);
    }
  }
};

}  // namespace
