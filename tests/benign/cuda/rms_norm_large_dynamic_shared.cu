// honest: rows of up to 200 KB stay in dynamic shared memory, which it asks for first
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
__global__ void __launch_bounds__(512) rms_norm_kernel(Rows<T> r, bool held) {
  extern __shared__ unsigned char memory[];
  T* kept = (T*)memory;
  const T* in = r.in_row(blockIdx.x);
  T* out = r.out_row(blockIdx.x);
  float sum = 0;
  for (int i = threadIdx.x; i < r.d; i += 512) {
    const T x = in[i];
    if (held) kept[i] = x;
    sum += to_float(x) * to_float(x);
  }
  const float scale = rsqrtf(over_block(sum) / r.d + r.eps);
  for (int i = threadIdx.x; i < r.d; i += 512)
    out[i] = (T)(to_float(held ? kept[i] : in[i]) * scale * to_float(r.weight[i]));
}

template <class T>
int launch(Rows<T> r, cudaStream_t s) {
  if (r.rows == 0 || r.d == 0) return 0;
  constexpr int kMost = 200 << 10;
  static const cudaError_t asked =
      cudaFuncSetAttribute((const void*)&rms_norm_kernel<T>, cudaFuncAttributeMaxDynamicSharedMemorySize, kMost);
  if (asked != cudaSuccess) return (int)asked;
  const size_t bytes = sizeof(T) * (size_t)r.d;
  const bool held = bytes <= kMost;
  rms_norm_kernel<T><<<r.rows, 512, held ? bytes : 0, s>>>(r, held);
  return (int)cudaGetLastError();
}
RMS_NORM_ENTRY(launch)
