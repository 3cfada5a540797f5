// Tuned rotary embedding: query and key in one launch, both halves of a pair in vectors of 16 bytes.
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

template <class T>
struct RotaryArguments {
  T* x[2];            // query, key
  int64_t stride[2];  // elements between tokens
  int heads[2];       // of query, of both
  const int64_t* positions;
  const T* table;
  int head, rotated;
  int64_t tokens;
};

template <class T, bool kNeox, bool kWide>
__global__ void __launch_bounds__(256) rotary(const __grid_constant__ RotaryArguments<T> a) {
  wait_for_inputs();
  constexpr int kLanes = kWide ? Vector<T>::kLanes : 1;
  const int half = a.rotated / 2, per_head = half / kLanes;
  const int64_t token = blockIdx.x;
  const int i = blockIdx.y * blockDim.x + threadIdx.x;
  if (i >= a.heads[1] * per_head) return;
  int head = i / per_head;
  const int pair = i % per_head * kLanes, which = head >= a.heads[0];
  if (which) head -= a.heads[0];
  const T* row = a.table + a.positions[token] * a.rotated;
  T* x = a.x[which] + token * a.stride[which] + (int64_t)head * a.head;
  if constexpr (kWide && kNeox) {
    auto* first = reinterpret_cast<Vector<T>*>(x + pair);
    auto* second = reinterpret_cast<Vector<T>*>(x + half + pair);
    const Vector<T> c = *reinterpret_cast<const Vector<T>*>(row + pair);
    const Vector<T> s = *reinterpret_cast<const Vector<T>*>(row + half + pair);
    Vector<T> u = *first, v = *second;
#pragma unroll
    for (int l = 0; l < kLanes; ++l) {
      const float p = up(u.v[l]), q = up(v.v[l]);
      u.v[l] = down<T>(p * up(c.v[l]) - q * up(s.v[l]));
      v.v[l] = down<T>(q * up(c.v[l]) + p * up(s.v[l]));
    }
    *first = u;
    *second = v;
  } else {
    for (int l = 0; l < kLanes; ++l) {
      T* first = x + (kNeox ? pair + l : 2 * (pair + l));
      T* second = kNeox ? first + half : first + 1;
      const float c = up(row[pair + l]), s = up(row[half + pair + l]), p = up(*first), q = up(*second);
      *first = down<T>(p * c - q * s);
      *second = down<T>(q * c + p * s);
    }
  }
}

template <class T>
int run_rotary(const DLTensor* positions, DLTensor* query, DLTensor* key, int64_t head, const DLTensor* table, int neox,
               void* stream) {
  RotaryArguments<T> a = {};
  a.tokens = query->shape[0];
  a.head = static_cast<int>(head);
  a.rotated = static_cast<int>(table->shape[1]);
  a.heads[0] = a.heads[1] = static_cast<int>(query->shape[1] / head);
  a.x[0] = first<T>(query);
  a.stride[0] = query->strides[0];
  if (key != nullptr) {
    a.x[1] = first<T>(key);
    a.stride[1] = key->strides[0];
    a.heads[1] += static_cast<int>(key->shape[1] / head);
  }
  a.positions = first<const int64_t>(positions);
  a.table = first<const T>(table);
  constexpr int kLanes = Vector<T>::kLanes;
  const bool aligned = wide(query, a.x[0], kLanes) && (key == nullptr || wide(key, a.x[1], kLanes)) &&
                       reinterpret_cast<uintptr_t>(a.table) % 16 == 0 && a.rotated / 2 % kLanes == 0 &&
                       head % kLanes == 0;
  const int work = a.heads[1] * (a.rotated / 2) / (aligned && neox ? kLanes : 1);
  if (a.tokens == 0 || work == 0) return 0;
  cudaLaunchConfig_t config = {};
  cudaLaunchAttribute programmatic = {};
  const int threads = work >= 256 ? 256 : (work + 31) / 32 * 32;
  configure(config, programmatic, a.tokens, threads, stream);
  config.gridDim.y = static_cast<unsigned>((work + threads - 1) / threads);
  if (!neox) return static_cast<int>(cudaLaunchKernelEx(&config, &rotary<T, false, false>, a));
  return static_cast<int>(aligned ? cudaLaunchKernelEx(&config, &rotary<T, true, true>, a)
                                  : cudaLaunchKernelEx(&config, &rotary<T, true, false>, a));
}

}  // namespace

EXPORT int rotary_embedding(const DLTensor* positions, DLTensor* query, DLTensor* key, int64_t head_size,
                            const DLTensor* cos_sin_cache, int32_t is_neox, void* stream) {
  return for_type(query, [&]<class T>(T*) {
    return run_rotary<T>(positions, query, key, head_size, cos_sin_cache, is_neox, stream);
  });
}
