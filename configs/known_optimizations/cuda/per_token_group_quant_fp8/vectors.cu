// Tuned quantisation of groups to e4m3: every thread holds one vector of 16 bytes, a group's lanes share its maximum.
#include <crucible/kernel.h>
#include <cuda_bf16.h>
#include <cuda_fp16.h>
#include <cuda_fp8.h>
#include <cuda_runtime.h>
#include <stdint.h>

namespace {

constexpr int kMaxHeld = 4;  // vectors of 16 bytes that a thread keeps

template <class T>
struct alignas(16) Vector {
  static constexpr int kLanes = 16 / sizeof(T);
  T v[kLanes];
};

__device__ __forceinline__ float up(float x) { return x; }
__device__ __forceinline__ float up(__half x) { return __half2float(x); }
__device__ __forceinline__ float up(__nv_bfloat16 x) { return __bfloat162float(x); }
template <class T>
__device__ __forceinline__ T down(float x);
template <>
__device__ __forceinline__ float down<float>(float x) {
  return x;
}
template <>
__device__ __forceinline__ __half down<__half>(float x) {
  return __float2half_rn(x);
}
template <>
__device__ __forceinline__ __nv_bfloat16 down<__nv_bfloat16>(float x) {
  return __float2bfloat16_rn(x);
}

__device__ __forceinline__ void wait_for_inputs() {
  asm volatile("griddepcontrol.launch_dependents;");
  asm volatile("griddepcontrol.wait;" ::: "memory");
}

template <bool kMaximum>
__device__ __forceinline__ float over_block(float v) {
  __shared__ float partial[32];
  for (int lane = 16; lane > 0; lane /= 2) {
    const float other = __shfl_xor_sync(~0u, v, lane);
    v = kMaximum ? fmaxf(v, other) : v + other;
  }
  if (blockDim.x == 32) return v;
  if (threadIdx.x % 32 == 0) partial[threadIdx.x / 32] = v;
  __syncthreads();
  v = partial[0];
  for (int w = 1; w < (int)blockDim.x / 32; ++w) v = kMaximum ? fmaxf(v, partial[w]) : v + partial[w];
  __syncthreads();
  return v;
}

/// Where the rows of a tensor of one to three dimensions lie.
struct Place {
  int64_t inner;         // rows per outer index
  int64_t outer_stride;  // elements
  int64_t inner_stride;
  __host__ __device__ int64_t at(int64_t row) const {
    // A division of 64 bits costs more than the rest of a short row's address.
    if (outer_stride == 0) return row * inner_stride;
    const uint32_t r = (uint32_t)row, n = (uint32_t)inner;
    return (int64_t)(r / n) * outer_stride + (int64_t)(r % n) * inner_stride;
  }
};

/// Sum or maximum over kGroup adjacent lanes.
template <bool kMaximum, int kGroup>
__device__ __forceinline__ float over_group(float v) {
#pragma unroll
  for (int lane = kGroup / 2; lane > 0; lane /= 2) {
    const float other = __shfl_xor_sync(~0u, v, lane);
    v = kMaximum ? fmaxf(v, other) : v + other;
  }
  return v;
}

template <class T>
struct RowArguments {
  T* out;
  const T* in;
  Place place_out, place_in;
  int64_t rows;
  int d;
};

template <class T>
T* first(const DLTensor* t) {
  return reinterpret_cast<T*>(static_cast<char*>(t->data) + t->byte_offset);
}

int64_t rows_of(const DLTensor* t) {
  int64_t rows = 1;
  for (int i = 0; i + 1 < t->ndim; ++i) rows *= t->shape[i];
  return rows;
}

Place place_of(const DLTensor* t) {
  if (t->ndim == 3) return {t->shape[1] == 0 ? 1 : t->shape[1], t->strides[0], t->strides[1]};
  if (t->ndim == 2) return {INT64_MAX, 0, t->strides[0]};
  return {INT64_MAX, 0, 0};
}

bool wide(const DLTensor* t, const void* data, int lanes) {
  if (data != nullptr && reinterpret_cast<uintptr_t>(data) % 16 != 0) return false;
  for (int i = 0; i + 1 < t->ndim; ++i)
    if (t->strides[i] % lanes != 0) return false;
  return t->shape[t->ndim - 1] % lanes == 0;
}

void configure(cudaLaunchConfig_t& config, cudaLaunchAttribute& programmatic, int64_t blocks, int threads,
               void* stream) {
  config.gridDim = dim3(static_cast<unsigned>(blocks));
  config.blockDim = dim3(static_cast<unsigned>(threads));
  config.stream = static_cast<cudaStream_t>(stream);
  programmatic.id = cudaLaunchAttributeProgrammaticStreamSerialization;
  programmatic.val.programmaticStreamSerializationAllowed = 1;
  config.attrs = &programmatic;
  config.numAttrs = 1;
}

template <class Arguments>
int launch(void (*kernel)(Arguments), const Arguments& arguments, int64_t blocks, int threads, void* stream) {
  cudaLaunchConfig_t config = {};
  cudaLaunchAttribute programmatic = {};
  configure(config, programmatic, blocks, threads, stream);
  return static_cast<int>(cudaLaunchKernelEx(&config, kernel, arguments));
}

/// Threads for a row of d elements. A few rows want as many threads as the row has vectors; where there are more rows
/// than the device holds blocks, small blocks whose threads each keep several vectors in flight stream better.
int threads_for(int64_t d, int lanes, int64_t rows) {
  const int64_t vectors = d / lanes;
  const int64_t share = rows <= 264 ? 1 : vectors <= 512 ? 2 : kMaxHeld;
  const int64_t wanted = ((vectors + share - 1) / share + 31) / 32 * 32;
  return static_cast<int>(wanted < 32 ? 32 : wanted > 1024 ? 1024 : wanted);
}

/// Calls `f` with a null pointer of the tensor's element type.
template <class F>
int for_type(const DLTensor* t, F f) {
  if (t->dtype.code == 2 && t->dtype.bits == 32) return f(static_cast<float*>(nullptr));
  if (t->dtype.code == 2 && t->dtype.bits == 16) return f(static_cast<__half*>(nullptr));
  if (t->dtype.code == 4 && t->dtype.bits == 16) return f(static_cast<__nv_bfloat16*>(nullptr));
  return 1;
}

}  // namespace

#define EXPORT extern "C" __attribute__((visibility("default")))

namespace {

template <class T>
struct QuantArguments {
  const T* in;
  unsigned char* out;
  float* scale;
  int64_t step_token, step_group;
  int64_t vectors;  // in all
  int per_row;      // groups of a row
  float epsilon;
};

/// kLanes of a warp hold one group, one vector each.
template <class T, int kGroup>
__global__ void __launch_bounds__(256) quantize(const __grid_constant__ QuantArguments<T> a) {
  wait_for_inputs();
  constexpr int kElements = Vector<T>::kLanes, kShare = kGroup / kElements;
  const int64_t i = (int64_t)blockIdx.x * blockDim.x + threadIdx.x;
  const bool mine = i < a.vectors;
  Vector<T> v = {};
  if (mine) v = reinterpret_cast<const Vector<T>*>(a.in)[i];
  float x[kElements], largest = 0;
#pragma unroll
  for (int l = 0; l < kElements; ++l) {
    x[l] = up(v.v[l]);
    largest = fmaxf(largest, fabsf(x[l]));
  }
  largest = over_group<true, kShare>(largest);
  if (!mine) return;
  const float scale = fmaxf(largest, a.epsilon) / 448.0f;
  alignas(8) __nv_fp8_storage_t q[kElements];
#pragma unroll
  for (int l = 0; l < kElements; ++l) q[l] = __nv_cvt_float_to_fp8(x[l] / scale, __NV_SATFINITE, __NV_E4M3);
  if constexpr (kElements == 8)
    reinterpret_cast<uint2*>(a.out)[i] = *reinterpret_cast<const uint2*>(q);
  else
    reinterpret_cast<uint32_t*>(a.out)[i] = *reinterpret_cast<const uint32_t*>(q);
  if (i % kShare != 0) return;
  const uint32_t group = (uint32_t)(i / kShare);
  a.scale[group / a.per_row * a.step_token + group % a.per_row * a.step_group] = scale;
}

template <class T>
int run_quantize(const DLTensor* input, DLTensor* out, DLTensor* scale, int group, double epsilon, void* stream) {
  QuantArguments<T> a = {};
  constexpr int kElements = Vector<T>::kLanes;
  a.in = first<const T>(input);
  a.out = first<unsigned char>(out);
  a.scale = first<float>(scale);
  a.step_token = scale->strides[0];
  a.step_group = scale->strides[1];
  a.per_row = static_cast<int>(scale->shape[1]);
  a.vectors = input->shape[0] * input->shape[1] / kElements;
  a.epsilon = static_cast<float>(epsilon);
  if (a.vectors == 0) return 0;
  if (reinterpret_cast<uintptr_t>(a.in) % 16 != 0 || reinterpret_cast<uintptr_t>(a.out) % 8 != 0) return 1;
  const int64_t blocks = (a.vectors + 255) / 256;
  if (group == 128) return launch(&quantize<T, 128>, a, blocks, 256, stream);
  if (group == 64) return launch(&quantize<T, 64>, a, blocks, 256, stream);
  return 1;
}

}  // namespace

EXPORT int per_token_group_quant_fp8(const DLTensor* input, DLTensor* out_q, DLTensor* out_scale, int32_t group_size,
                                     double epsilon, void* stream) {
  return for_type(input,
                  [&]<class T>(T*) { return run_quantize<T>(input, out_q, out_scale, group_size, epsilon, stream); });
}
