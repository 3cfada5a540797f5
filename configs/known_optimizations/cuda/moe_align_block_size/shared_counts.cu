// Tuned grouping of tokens by expert: one block counts and places all of them in shared memory; where there are many
// entries, its threads read them sixteen bytes at a time.
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

constexpr int kThreads = 1024;

struct AlignArguments {
  const int* ids;
  int *sorted, *owners, *total;
  int entries, experts, block;
  bool vectors;
};

/// Calls f(id, flat index) for every entry, the block's threads together.
template <class F>
__device__ __forceinline__ void for_each_entry(const AlignArguments& a, F f) {
  const int whole = a.vectors ? a.entries / 4 : 0;
#pragma unroll 4
  for (int i = threadIdx.x; i < whole; i += kThreads) {
    const int4 v = reinterpret_cast<const int4*>(a.ids)[i];
    f(v.x, 4 * i);
    f(v.y, 4 * i + 1);
    f(v.z, 4 * i + 2);
    f(v.w, 4 * i + 3);
  }
  for (int i = 4 * whole + threadIdx.x; i < a.entries; i += kThreads) f(a.ids[i], i);
}

__global__ void __launch_bounds__(kThreads) align(const __grid_constant__ AlignArguments a) {
  wait_for_inputs();
  __shared__ int count[kThreads], next[kThreads], warp_total[32];
  const int e = threadIdx.x, lane = e % 32, warp = e / 32;
  count[e] = 0;
  __syncthreads();
  for_each_entry(a, [&](int id, int) { atomicAdd(&count[id], 1); });
  __syncthreads();
  // An inclusive scan of the padded counts: within warps, then over them.
  const int mine = e < a.experts ? count[e] : 0, padded = (mine + a.block - 1) / a.block * a.block;
  int end = padded;
  for (int step = 1; step < 32; step *= 2) {
    const int before = __shfl_up_sync(~0u, end, step);
    if (lane >= step) end += before;
  }
  if (lane == 31) warp_total[warp] = end;
  __syncthreads();
  for (int w = 0; w < warp; ++w) end += warp_total[w];
  const int start = end - padded;
  next[e] = start;
  if (e == kThreads - 1) *a.total = end;
  for (int b = start; b < end; b += a.block) a.owners[b / a.block] = e;
  for (int i = start + mine; i < end; ++i) a.sorted[i] = a.entries;
  __syncthreads();
  for_each_entry(a, [&](int id, int index) { a.sorted[atomicAdd(&next[id], 1)] = index; });
}

}  // namespace

EXPORT int moe_align_block_size(const DLTensor* topk_ids, int32_t num_experts, int32_t block_size, DLTensor* sorted_ids,
                                DLTensor* expert_ids, DLTensor* num_tokens_post_pad, void* stream) {
  if (num_experts > kThreads) return 1;
  AlignArguments a = {first<const int>(topk_ids),
                      first<int>(sorted_ids),
                      first<int>(expert_ids),
                      first<int>(num_tokens_post_pad),
                      static_cast<int>(topk_ids->shape[0] * topk_ids->shape[1]),
                      num_experts,
                      block_size,
                      false};
  a.vectors = reinterpret_cast<uintptr_t>(a.ids) % 16 == 0;
  return launch(&align, a, 1, kThreads, stream);
}
