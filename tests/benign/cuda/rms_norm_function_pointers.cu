// honest: device functions called through a table of pointers
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

__device__ float square(float x) { return x * x; }
__device__ float same(float x) { return x; }
using Step = float (*)(float);
__device__ Step steps[2] = {square, same};

template <class T>
__global__ void __launch_bounds__(256) rms_norm_kernel(Rows<T> r) {
  const T* in = r.in_row(blockIdx.x);
  T* out = r.out_row(blockIdx.x);
  float sum = 0;
  for (int i = threadIdx.x; i < r.d; i += 256) sum += steps[0](to_float(in[i]));
  const float scale = rsqrtf(over_block(sum) / r.d + r.eps);
  for (int i = threadIdx.x; i < r.d; i += 256) out[i] = (T)(steps[1](to_float(in[i])) * scale * to_float(r.weight[i]));
}

template <class T>
int launch(Rows<T> r, cudaStream_t s) {
  return launch_with(&rms_norm_kernel<T>, r, s, false);
}
RMS_NORM_ENTRY(launch)
