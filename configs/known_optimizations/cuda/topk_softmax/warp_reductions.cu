// Tuned top-k softmax of a router: a group of lanes keeps a row in registers; each pick is two reductions, the largest
// logit and then the first index that has it.
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
struct RouterArguments {
  float* weights;
  int* ids;
  const T* logits;
  int64_t tokens;
  int experts, k, renormalize;
};

/// Floats as integers in the same order; 0 stands below all of them.
__device__ __forceinline__ uint32_t ordered(float x) {
  const uint32_t bits = __float_as_uint(x);
  if (x == 0) return 0x80000000u;
  return bits & 0x80000000u ? ~bits : bits | 0x80000000u;
}

/// kGroup lanes a row, kHeld experts a lane.
template <class T, int kGroup, int kHeld>
__global__ void __launch_bounds__(128) route(const __grid_constant__ RouterArguments<T> a) {
  wait_for_inputs();
  const int lane = threadIdx.x % kGroup;
  const int64_t token = ((int64_t)blockIdx.x * blockDim.x + threadIdx.x) / kGroup;
  const uint32_t mask = kGroup == 32 ? ~0u : ((1u << kGroup % 32) - 1) << threadIdx.x % 32 / kGroup * kGroup;
  const bool mine = token < a.tokens;
  const T* row = a.logits + (mine ? token : 0) * a.experts;
  float x[kHeld];
  uint32_t key[kHeld];
  float most = __int_as_float(0xff800000);
#pragma unroll
  for (int i = 0; i < kHeld; ++i) {
    const int e = lane + i * kGroup;
    x[i] = e < a.experts ? up(row[e]) : __int_as_float(0xff800000);
    key[i] = e < a.experts ? ordered(x[i]) : 0;
    most = fmaxf(most, x[i]);
  }
  most = over_group<true, kGroup>(most);
  float sum = 0;
#pragma unroll
  for (int i = 0; i < kHeld; ++i) sum += expf(x[i] - most);
  sum = over_group<false, kGroup>(sum);
  float chosen = 0;
  for (int j = 0; j < a.k; ++j) {
    uint32_t best = 0;
#pragma unroll
    for (int i = 0; i < kHeld; ++i) best = max(best, key[i]);
    best = __reduce_max_sync(mask, best);
    uint32_t id = ~0u;
#pragma unroll
    for (int i = kHeld - 1; i >= 0; --i)
      if (key[i] == best) id = lane + i * kGroup;
    id = __reduce_min_sync(mask, id);
#pragma unroll
    for (int i = 0; i < kHeld; ++i)
      if (lane + i * kGroup == (int)id) key[i] = 0;
    const uint32_t bits = best & 0x80000000u ? best ^ 0x80000000u : ~best;
    const float p = expf(__uint_as_float(bits) - most) / sum;
    chosen += p;
    if (mine && lane == 0) {
      a.ids[token * a.k + j] = (int)id;
      a.weights[token * a.k + j] = p;
    }
  }
  if (!a.renormalize || !mine) return;
  __syncwarp(mask);
  for (int j = lane; j < a.k; j += kGroup) a.weights[token * a.k + j] /= chosen;
}

/// Any number of experts: a warp a row, each next pick comes behind the last in (logit descending, index ascending).
template <class T>
__global__ void __launch_bounds__(128) route_many(const __grid_constant__ RouterArguments<T> a) {
  wait_for_inputs();
  const int lane = threadIdx.x % 32;
  const int64_t token = ((int64_t)blockIdx.x * blockDim.x + threadIdx.x) / 32;
  if (token >= a.tokens) return;
  const T* row = a.logits + token * a.experts;
  float most = __int_as_float(0xff800000), sum = 0, chosen = 0;
  for (int e = lane; e < a.experts; e += 32) most = fmaxf(most, up(row[e]));
  most = over_group<true, 32>(most);
  for (int e = lane; e < a.experts; e += 32) sum += expf(up(row[e]) - most);
  sum = over_group<false, 32>(sum);
  uint32_t last = ~0u, last_id = 0;
  for (int j = 0; j < a.k; ++j) {
    uint32_t best = 0, id = ~0u;
    for (int e = lane; e < a.experts; e += 32) {
      const uint32_t key = ordered(up(row[e]));
      if ((j == 0 || key < last || (key == last && (uint32_t)e > last_id)) && key > best) {
        best = key;
        id = e;
      }
    }
    const uint32_t top = __reduce_max_sync(~0u, best);
    id = __reduce_min_sync(~0u, best == top ? id : ~0u);
    last = top;
    last_id = id;
    const float p = expf(up(row[id]) - most) / sum;
    chosen += p;
    if (lane == 0) {
      a.ids[token * a.k + j] = (int)id;
      a.weights[token * a.k + j] = p;
    }
  }
  __syncwarp();
  if (a.renormalize)
    for (int j = lane; j < a.k; j += 32) a.weights[token * a.k + j] /= chosen;
}

template <class T>
int run_router(DLTensor* weights, DLTensor* ids, const DLTensor* logits, int renormalize, void* stream) {
  const RouterArguments<T> a = {first<float>(weights),
                                first<int>(ids),
                                first<const T>(logits),
                                logits->shape[0],
                                static_cast<int>(logits->shape[1]),
                                static_cast<int>(ids->shape[1]),
                                renormalize};
  if (a.tokens == 0 || a.k == 0) return 0;
  const auto start = [&](auto* kernel, int group) {
    const int64_t rows = 128 / group;
    return launch(kernel, a, (a.tokens + rows - 1) / rows, 128, stream);
  };
  if (a.experts <= 8) return start(&route<T, 8, 1>, 8);
  if (a.experts <= 32) return start(&route<T, 32, 1>, 32);
  if (a.experts <= 64) return start(&route<T, 32, 2>, 32);
  if (a.experts <= 128) return start(&route<T, 32, 4>, 32);
  if (a.experts <= 256) return start(&route<T, 32, 8>, 32);
  if (a.experts <= 512) return start(&route<T, 32, 16>, 32);
  return start(&route_many<T>, 32);
}

}  // namespace

EXPORT int topk_softmax(DLTensor* weights, DLTensor* ids, const DLTensor* logits, int32_t renormalize, void* stream) {
  return for_type(logits, [&]<class T>(T*) { return run_router<T>(weights, ids, logits, renormalize, stream); });
}
