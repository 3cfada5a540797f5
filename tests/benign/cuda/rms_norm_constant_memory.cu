// honest: a table in constant memory, filled at compile time
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

__constant__ float signs[8] = {1, 1, 1, 1, 1, 1, 1, 1};
__constant__ int strides[4] = {256, 512, 768, 1024};

template <class T>
__global__ void __launch_bounds__(256) rms_norm_kernel(Rows<T> r) {
  const T* in = r.in_row(blockIdx.x);
  T* out = r.out_row(blockIdx.x);
  float sum = 0;
  for (int i = threadIdx.x; i < r.d; i += strides[3])
    for (int k = 0; k < 4; ++k) {
      const int at = i + (k == 0 ? 0 : strides[k - 1]);
      if (at < r.d) sum += to_float(in[at]) * to_float(in[at]) * signs[k];
    }
  const float scale = rsqrtf(over_block(sum) / r.d + r.eps);
  for (int i = threadIdx.x; i < r.d; i += strides[0]) out[i] = (T)(to_float(in[i]) * scale * to_float(r.weight[i]));
}

template <class T>
int launch(Rows<T> r, cudaStream_t s) {
  return launch_with(&rms_norm_kernel<T>, r, s, false);
}
RMS_NORM_ENTRY(launch)
