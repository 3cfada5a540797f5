// Tuned softmax. A row stays in registers; a few long rows are each shared by a cluster of blocks.
#include <cooperative_groups.h>
#include <crucible/kernel.h>
#include <cuda_bf16.h>
#include <cuda_fp16.h>
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

template <class T, bool kWide>
__global__ void __launch_bounds__(1024) softmax_kernel(const __grid_constant__ RowArguments<T> a) {
  wait_for_inputs();
  const T* in = a.in + a.place_in.at(blockIdx.x);
  T* out = a.out + a.place_out.at(blockIdx.x);
  constexpr int kLanes = Vector<T>::kLanes;
  const float minus_infinity = __int_as_float(0xff800000);
  if constexpr (kWide) {
    const int vectors = a.d / kLanes;
    if (vectors <= kMaxHeld * (int)blockDim.x) {
      float x[kMaxHeld][kLanes];
      float most = minus_infinity;
#pragma unroll
      for (int k = 0; k < kMaxHeld; ++k) {
        const int i = threadIdx.x + k * blockDim.x;
        if (i >= vectors) break;
        const Vector<T> v = reinterpret_cast<const Vector<T>*>(in)[i];
#pragma unroll
        for (int l = 0; l < kLanes; ++l) {
          x[k][l] = up(v.v[l]);
          most = fmaxf(most, x[k][l]);
        }
      }
      most = over_block<true>(most);
      float sum = 0;
#pragma unroll
      for (int k = 0; k < kMaxHeld; ++k) {
        if ((int)threadIdx.x + k * (int)blockDim.x >= vectors) break;
#pragma unroll
        for (int l = 0; l < kLanes; ++l) sum += x[k][l] = expf(x[k][l] - most);
      }
      const float scale = 1.0f / over_block<false>(sum);
#pragma unroll
      for (int k = 0; k < kMaxHeld; ++k) {
        const int i = threadIdx.x + k * blockDim.x;
        if (i >= vectors) break;
        Vector<T> y;
#pragma unroll
        for (int l = 0; l < kLanes; ++l) y.v[l] = down<T>(x[k][l] * scale);
        reinterpret_cast<Vector<T>*>(out)[i] = y;
      }
      return;
    }
  }
  float most = minus_infinity;
  for (int i = threadIdx.x; i < a.d; i += blockDim.x) most = fmaxf(most, up(in[i]));
  most = over_block<true>(most);
  float sum = 0;
  for (int i = threadIdx.x; i < a.d; i += blockDim.x) sum += expf(up(in[i]) - most);
  const float scale = 1.0f / over_block<false>(sum);
  for (int i = threadIdx.x; i < a.d; i += blockDim.x) out[i] = down<T>(expf(up(in[i]) - most) * scale);
}

constexpr int kClusterBlocks = 8;
constexpr int kLongHeld = 4;  // vectors of 16 bytes that a thread of a long row keeps

/// Long rows: a cluster of eight blocks shares a row, which stays in registers; only a maximum and a sum cross blocks.
template <class T>
__global__ void __cluster_dims__(kClusterBlocks, 1, 1) __launch_bounds__(1024)
    softmax_long(const __grid_constant__ RowArguments<T> a) {
  wait_for_inputs();
  cooperative_groups::cluster_group cluster = cooperative_groups::this_cluster();
  __shared__ float most_here, sum_here;
  const int64_t row = blockIdx.x / kClusterBlocks;
  const T* in = a.in + a.place_in.at(row);
  T* out = a.out + a.place_out.at(row);
  constexpr int kLanes = Vector<T>::kLanes;
  const int vectors = a.d / kLanes, first = cluster.block_rank() * blockDim.x + threadIdx.x;
  float x[kLongHeld][kLanes];
  float most = __int_as_float(0xff800000);
#pragma unroll
  for (int k = 0; k < kLongHeld; ++k) {
    const int i = first + k * kClusterBlocks * (int)blockDim.x;
    if (i >= vectors) break;
    const Vector<T> v = reinterpret_cast<const Vector<T>*>(in)[i];
#pragma unroll
    for (int l = 0; l < kLanes; ++l) {
      x[k][l] = up(v.v[l]);
      most = fmaxf(most, x[k][l]);
    }
  }
  most = over_block<true>(most);
  if (threadIdx.x == 0) most_here = most;
  cluster.sync();
  for (int b = 0; b < kClusterBlocks; ++b) most = fmaxf(most, *cluster.map_shared_rank(&most_here, b));
  float sum = 0;
#pragma unroll
  for (int k = 0; k < kLongHeld; ++k) {
    if (first + k * kClusterBlocks * (int)blockDim.x >= vectors) break;
#pragma unroll
    for (int l = 0; l < kLanes; ++l) sum += x[k][l] = expf(x[k][l] - most);
  }
  sum = over_block<false>(sum);
  if (threadIdx.x == 0) sum_here = sum;
  cluster.sync();
  sum = 0;
  for (int b = 0; b < kClusterBlocks; ++b) sum += *cluster.map_shared_rank(&sum_here, b);
  const float scale = 1.0f / sum;
#pragma unroll
  for (int k = 0; k < kLongHeld; ++k) {
    const int i = first + k * kClusterBlocks * (int)blockDim.x;
    if (i >= vectors) break;
    Vector<T> y;
#pragma unroll
    for (int l = 0; l < kLanes; ++l) y.v[l] = down<T>(x[k][l] * scale);
    reinterpret_cast<Vector<T>*>(out)[i] = y;
  }
  cluster.sync();  // no block leaves while another may still read its shared memory
}

template <class T>
int run_softmax(DLTensor* out, const DLTensor* in, void* stream) {
  const int64_t rows = rows_of(out), d = out->shape[out->ndim - 1];
  if (rows == 0 || d == 0) return 0;
  constexpr int kLanes = Vector<T>::kLanes;
  const RowArguments<T> a = {first<T>(out), first<T>(in), place_of(out), place_of(in), rows, static_cast<int>(d)};
  const bool vectors = wide(out, a.out, kLanes) && wide(in, a.in, kLanes);
  const int64_t count = d / kLanes;
  if (vectors && rows <= 128 && count > 1024 && count <= kLongHeld * kClusterBlocks * 1024)
    return launch(&softmax_long<T>, a, rows * kClusterBlocks,
                  threads_for(d / kClusterBlocks, kLanes * kLongHeld / 2, 1), stream);
  return launch(vectors ? &softmax_kernel<T, true> : &softmax_kernel<T, false>, a, rows,
                vectors ? threads_for(d, kLanes, rows) : threads_for(d, 4, 1), stream);
}

}  // namespace

EXPORT int softmax(DLTensor* out, const DLTensor* input, void* stream) {
  return for_type(out, [&]<class T>(T*) { return run_softmax<T>(out, input, stream); });
}
