// honest: rows go to shared memory in the background, 16 bytes at a time
#include <cuda_pipeline.h>

#include "../../gpu/fixtures/rms_rows.cuh"

/// Sum over the block, known to all of its threads.
__device__ __forceinline__ float over_block(float v) {
  __shared__ float partial[32];
  for (int lane = 16; lane > 0; lane /= 2) v += __shfl_xor_sync(~0u, v, lane);
  __syncthreads();
  if (threadIdx.x % 32 == 0) partial[threadIdx.x / 32] = v;
  __syncthreads();
  v = 0;
  for (int w = 0; w < (int)blockDim.x / 32; ++w) v += partial[w];
  return v;
}

constexpr int kPiece = 8192;  // bytes

template <class T>
__global__ void __launch_bounds__(256) rms_norm_kernel(Rows<T> r) {
  __shared__ alignas(16) unsigned char piece[2][kPiece];
  const T* in = r.in_row(blockIdx.x);
  T* out = r.out_row(blockIdx.x);
  constexpr int kElements = kPiece / (int)sizeof(T);
  const bool wide = (uintptr_t)in % 16 == 0;
  const int pieces = (r.d + kElements - 1) / kElements;
  const auto bring = [&](int p) {
    const int count = min(kElements, r.d - p * kElements), bytes = count * (int)sizeof(T);
    T* to = (T*)piece[p % 2];
    const T* from = in + p * kElements;
    const int vectors = wide ? bytes / 16 : 0;
    for (int i = threadIdx.x; i < vectors; i += 256)
      __pipeline_memcpy_async((char*)to + 16 * i, (const char*)from + 16 * i, 16);
    for (int i = vectors * 16 / (int)sizeof(T) + threadIdx.x; i < count; i += 256) to[i] = from[i];
    __pipeline_commit();
  };
  float sum = 0;
  bring(0);
  for (int p = 0; p < pieces; ++p) {
    if (p + 1 < pieces) {
      bring(p + 1);
      __pipeline_wait_prior(1);
    } else {
      __pipeline_wait_prior(0);
    }
    __syncthreads();
    const T* here = (const T*)piece[p % 2];
    for (int i = threadIdx.x; i < min(kElements, r.d - p * kElements); i += 256)
      sum += to_float(here[i]) * to_float(here[i]);
    __syncthreads();
  }
  const float scale = rsqrtf(over_block(sum) / r.d + r.eps);
  for (int i = threadIdx.x; i < r.d; i += 256) out[i] = (T)(to_float(in[i]) * scale * to_float(r.weight[i]));
}

template <class T>
int launch(Rows<T> r, cudaStream_t s) {
  return launch_with(&rms_norm_kernel<T>, r, s, false);
}
RMS_NORM_ENTRY(launch)
