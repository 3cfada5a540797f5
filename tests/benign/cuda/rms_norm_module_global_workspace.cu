// honest: a workspace in a module global, written and read in every call
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

__device__ float squares_of[1 << 20];

template <class T>
__global__ void __launch_bounds__(256) rms_norm_kernel(Rows<T> r, int64_t begin) {
  const int64_t row = begin + blockIdx.x;
  const T* in = r.in_row(row);
  T* out = r.out_row(row);
  float* mine = squares_of + blockIdx.x * 256;
  float sum = 0;
  for (int i = threadIdx.x; i < r.d; i += 256) sum += to_float(in[i]) * to_float(in[i]);
  mine[threadIdx.x] = sum;
  __syncthreads();
  sum = over_block(mine[255 - threadIdx.x]);
  const float scale = rsqrtf(sum / r.d + r.eps);
  for (int i = threadIdx.x; i < r.d; i += 256) out[i] = (T)(to_float(in[i]) * scale * to_float(r.weight[i]));
}

template <class T>
int launch(Rows<T> r, cudaStream_t s) {
  if (r.rows == 0 || r.d == 0) return 0;
  for (int64_t begin = 0; begin < r.rows; begin += 4096)
    rms_norm_kernel<T><<<(unsigned)(r.rows - begin < 4096 ? r.rows - begin : 4096), 256, 0, s>>>(r, begin);
  return (int)cudaGetLastError();
}
RMS_NORM_ENTRY(launch)
