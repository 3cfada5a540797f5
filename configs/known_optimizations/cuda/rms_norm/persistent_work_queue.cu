// a grid of fixed size that takes rows from a counter, which the last block resets
// What the fixtures of rms_norm share: the arithmetic of one row, and the argument handling. Each fixture is one file
// with one idea.

#include <cuda_bf16.h>
#include <cuda_fp16.h>
#include <cuda_runtime.h>
#include <stdint.h>

struct DLTensor {
  void* data;
  int32_t device_type, device_id, ndim;
  uint8_t code, bits;
  uint16_t lanes;
  int64_t* shape;
  int64_t* strides;
  uint64_t byte_offset;
};

template <class T>
__device__ __forceinline__ float to_float(T v) {
  return (float)v;
}

/// One row by one block of 256 threads: out = in · rsqrt(mean(in²) + eps) · weight.
template <class T>
__device__ __forceinline__ void rms_row(T* out, const T* in, const T* weight, int d, float eps) {
  constexpr int kLanes = 16 / sizeof(T);
  struct alignas(16) Vector {
    T v[kLanes];
  };
  const bool wide = d % kLanes == 0 && (((uintptr_t)out | (uintptr_t)in | (uintptr_t)weight) & 15) == 0;
  float sum = 0;
  if (wide) {
    for (int i = threadIdx.x; i < d / kLanes; i += blockDim.x) {
      const Vector x = reinterpret_cast<const Vector*>(in)[i];
#pragma unroll
      for (int k = 0; k < kLanes; ++k) sum += to_float(x.v[k]) * to_float(x.v[k]);
    }
  } else {
    for (int i = threadIdx.x; i < d; i += blockDim.x) sum += to_float(in[i]) * to_float(in[i]);
  }
  __shared__ float partial[32];
  for (int lane = 16; lane > 0; lane /= 2) sum += __shfl_xor_sync(~0u, sum, lane);
  if (threadIdx.x % 32 == 0) partial[threadIdx.x / 32] = sum;
  __syncthreads();
  sum = 0;
  for (int w = 0; w < (int)blockDim.x / 32; ++w) sum += partial[w];
  const float scale = rsqrtf(sum / d + eps);
  if (wide) {
    for (int i = threadIdx.x; i < d / kLanes; i += blockDim.x) {
      const Vector x = reinterpret_cast<const Vector*>(in)[i], w = reinterpret_cast<const Vector*>(weight)[i];
      Vector y;
#pragma unroll
      for (int k = 0; k < kLanes; ++k) y.v[k] = (T)(to_float(x.v[k]) * scale * to_float(w.v[k]));
      reinterpret_cast<Vector*>(out)[i] = y;
    }
  } else {
    for (int i = threadIdx.x; i < d; i += blockDim.x) out[i] = (T)(to_float(in[i]) * scale * to_float(weight[i]));
  }
  __syncthreads();
}

template <class T>
struct Rows {
  T* out;
  const T* in;
  const T* weight;
  int64_t inner, outer_stride, inner_stride;  // of the input: rows per outer index, elements
  int rows, d;
  float eps;

  __device__ const T* in_row(int64_t row) const { return in + row / inner * outer_stride + row % inner * inner_stride; }
  __device__ T* out_row(int64_t row) const { return out + row * d; }
};

template <class T>
inline Rows<T> rows_of(DLTensor* out, const DLTensor* in, const DLTensor* weight, double eps) {
  Rows<T> r{};
  auto at = [](const DLTensor* t) { return (char*)t->data + t->byte_offset; };
  r.out = (T*)at(out);
  r.in = (const T*)at(in);
  r.weight = (const T*)at(weight);
  r.d = (int)out->shape[out->ndim - 1];
  r.rows = 1;
  for (int i = 0; i + 1 < out->ndim; ++i) r.rows *= (int)out->shape[i];
  r.inner = in->ndim > 1 && in->shape[in->ndim - 2] != 0 ? in->shape[in->ndim - 2] : 1;
  r.inner_stride = in->ndim > 1 ? in->strides[in->ndim - 2] : r.d;
  r.outer_stride = in->ndim > 2 ? in->strides[in->ndim - 3] : 0;
  r.eps = (float)eps;
  return r;
}

/// Calls launch<T>(rows, stream) for the tensors' T.
#define RMS_NORM_ENTRY(LAUNCH)                                                                                       \
  extern "C" __attribute__((visibility("default"))) int rms_norm(DLTensor* out, const DLTensor* in,                  \
                                                                 const DLTensor* weight, double eps, void* stream) { \
    auto s = (cudaStream_t)stream;                                                                                   \
    if (out->code == 2 && out->bits == 32) return LAUNCH(rows_of<float>(out, in, weight, eps), s);                   \
    if (out->code == 2 && out->bits == 16) return LAUNCH(rows_of<__half>(out, in, weight, eps), s);                  \
    return LAUNCH(rows_of<__nv_bfloat16>(out, in, weight, eps), s);                                                  \
  }

template <class T>
int launch_with(void (*kernel)(Rows<T>), Rows<T> r, cudaStream_t s, bool programmatic, int blocks = 0) {
  if (r.rows == 0 || r.d == 0) return 0;
  cudaLaunchConfig_t config = {};
  config.gridDim = dim3(blocks != 0 ? blocks : r.rows);
  config.blockDim = dim3(256);
  config.stream = s;
  cudaLaunchAttribute attribute = {};
  attribute.id = cudaLaunchAttributeProgrammaticStreamSerialization;
  attribute.val.programmaticStreamSerializationAllowed = 1;
  config.attrs = &attribute;
  config.numAttrs = programmatic ? 1 : 0;
  return (int)cudaLaunchKernelEx(&config, kernel, r);
}

__device__ unsigned next_row, finished;

template <class T>
__global__ void __launch_bounds__(256) rms_norm_kernel(Rows<T> r) {
  __shared__ unsigned row;
  for (;;) {
    if (threadIdx.x == 0) row = atomicAdd(&next_row, 1u);
    __syncthreads();
    const unsigned mine = row;
    if (mine >= (unsigned)r.rows) break;
    rms_row(r.out_row(mine), r.in_row(mine), r.weight, r.d, r.eps);
  }
  if (threadIdx.x == 0 && atomicAdd(&finished, 1u) == gridDim.x - 1) {
    next_row = 0;
    finished = 0;
    __threadfence();
  }
}

template <class T>
int launch(Rows<T> r, cudaStream_t s) {
  return launch_with(&rms_norm_kernel<T>, r, s, false, r.rows < 264 ? r.rows : 264);
}
RMS_NORM_ENTRY(launch)
