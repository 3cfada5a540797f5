// honest: a workspace that the first, eager, call allocates
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
__global__ void __launch_bounds__(256) scales_of(Rows<T> r, float* scales) {
  float sum = 0;
  for (int i = threadIdx.x; i < r.d; i += 256)
    sum += to_float(r.in_row(blockIdx.x)[i]) * to_float(r.in_row(blockIdx.x)[i]);
  sum = over_block(sum);
  if (threadIdx.x == 0) scales[blockIdx.x] = rsqrtf(sum / r.d + r.eps);
}
template <class T>
__global__ void __launch_bounds__(256) rms_norm_kernel(Rows<T> r, const float* scales) {
  const T* in = r.in_row(blockIdx.x);
  T* out = r.out_row(blockIdx.x);
  for (int i = threadIdx.x; i < r.d; i += 256)
    out[i] = (T)(to_float(in[i]) * scales[blockIdx.x] * to_float(r.weight[i]));
}

template <class T>
int launch(Rows<T> r, cudaStream_t s) {
  if (r.rows == 0 || r.d == 0) return 0;
  static float* scales = nullptr;
  if (scales == nullptr && cudaMalloc((void**)&scales, 4 << 20) != cudaSuccess) return 2;
  scales_of<T><<<r.rows, 256, 0, s>>>(r, scales);
  rms_norm_kernel<T><<<r.rows, 256, 0, s>>>(r, scales);
  return (int)cudaGetLastError();
}
RMS_NORM_ENTRY(launch)
