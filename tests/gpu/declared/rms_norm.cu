// Device code alone: one block a row. Axes that a call lacks are of length 1 and stride 0.
// crucible: launch rms_norm_rows<T> grid=(out.shape(0)*out.shape(1)*out.shape(2)/max(weight.shape(0),1)) block=(256) args=(out, input, weight, weight.shape(0), input.stride(2) ? input.shape(1) : 1, input.stride(1) ? input.stride(0) : 0, input.stride(2) ? input.stride(1) : 0, epsilon)
#include <cuda_bf16.h>
#include <cuda_fp16.h>

template <class T>
__global__ void __launch_bounds__(256) rms_norm_rows(T* out, const T* input, const T* weight, int d, int inner,
                                                     long long outer_stride, long long inner_stride, float epsilon) {
  constexpr int kLanes = 16 / sizeof(T);
  struct alignas(16) Vector {
    T v[kLanes];
  };
  const long long row = blockIdx.x;
  const T* in = input + row / inner * outer_stride + row % inner * inner_stride;
  T* to = out + row * d;
  const bool wide =
      d % kLanes == 0 && (((unsigned long long)in | (unsigned long long)to | (unsigned long long)weight) & 15) == 0;
  float sum = 0;
  if (wide) {
    for (int i = threadIdx.x; i < d / kLanes; i += blockDim.x) {
      const Vector x = ((const Vector*)in)[i];
#pragma unroll
      for (int k = 0; k < kLanes; ++k) sum += (float)x.v[k] * (float)x.v[k];
    }
  } else {
    for (int i = threadIdx.x; i < d; i += blockDim.x) sum += (float)in[i] * (float)in[i];
  }
  __shared__ float partial[8];
  for (int lane = 16; lane > 0; lane /= 2) sum += __shfl_xor_sync(~0u, sum, lane);
  if (threadIdx.x % 32 == 0) partial[threadIdx.x / 32] = sum;
  __syncthreads();
  sum = 0;
  for (int w = 0; w < 8; ++w) sum += partial[w];
  const float scale = rsqrtf(sum / d + epsilon);
  if (wide) {
    for (int i = threadIdx.x; i < d / kLanes; i += blockDim.x) {
      const Vector x = ((const Vector*)in)[i], w = ((const Vector*)weight)[i];
      Vector y;
#pragma unroll
      for (int k = 0; k < kLanes; ++k) y.v[k] = (T)((float)x.v[k] * scale * (float)w.v[k]);
      ((Vector*)to)[i] = y;
    }
  } else {
    for (int i = threadIdx.x; i < d; i += blockDim.x) to[i] = (T)((float)in[i] * scale * (float)weight[i]);
  }
}
