// honest: cache hints on loads and stores, and prefetches of its own row
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

template <class T>
__global__ void __launch_bounds__(256) rms_norm_kernel(Rows<T> r) {
  const T* in = r.in_row(blockIdx.x);
  T* out = r.out_row(blockIdx.x);
  for (int i = threadIdx.x * 64; i < r.d; i += 256 * 64) asm volatile("prefetch.global.L2 [%0];" ::"l"(in + i));
  float sum = 0;
  for (int i = threadIdx.x; i < r.d; i += 256) {
    const float x = to_float(__ldcg(in + i));
    sum += x * x;
  }
  const float scale = rsqrtf(over_block(sum) / r.d + r.eps);
  for (int i = threadIdx.x; i < r.d; i += 256)
    __stcs(out + i, (T)(to_float(__ldcs(in + i)) * scale * to_float(__ldg(r.weight + i))));
}

template <class T>
int launch(Rows<T> r, cudaStream_t s) {
  return launch_with(&rms_norm_kernel<T>, r, s, false);
}
RMS_NORM_ENTRY(launch)
