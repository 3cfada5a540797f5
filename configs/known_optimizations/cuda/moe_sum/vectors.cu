// Tuned copies and sums around attention and experts: vectors of 16 bytes where alignment lets them, and every thread's
// loads in flight before its first use.
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
__device__ __forceinline__ void copy_row(T* to, const T* from, int64_t count, bool vectors) {
  constexpr int kLanes = Vector<T>::kLanes;
  if (vectors) {
    for (int64_t i = threadIdx.x; i < count / kLanes; i += blockDim.x)
      reinterpret_cast<uint4*>(to)[i] = reinterpret_cast<const uint4*>(from)[i];
  } else {
    for (int64_t i = threadIdx.x; i < count; i += blockDim.x) to[i] = from[i];
  }
}

template <class T>
struct EmbeddingArguments {
  T* out;
  const T* table;
  const int64_t* ids;
  int64_t width;
  bool vectors;
};

/// blockIdx.x: token, blockIdx.y: part of its row.
template <class T>
__global__ void __launch_bounds__(256) look_up(const __grid_constant__ EmbeddingArguments<T> a) {
  wait_for_inputs();
  constexpr int64_t kPart = 256 * Vector<T>::kLanes;
  const int64_t begin = blockIdx.y * kPart, count = min(kPart, a.width - begin);
  copy_row(a.out + blockIdx.x * a.width + begin, a.table + a.ids[blockIdx.x] * a.width + begin, count, a.vectors);
}

template <class T>
int run_embedding(DLTensor* out, const DLTensor* ids, const DLTensor* table, void* stream) {
  const int64_t tokens = out->shape[0], width = out->shape[1];
  if (tokens == 0 || width == 0) return 0;
  constexpr int kLanes = Vector<T>::kLanes;
  const EmbeddingArguments<T> a = {first<T>(out), first<const T>(table), first<const int64_t>(ids), width,
                                   wide(out, out->data, kLanes) &&
                                       reinterpret_cast<uintptr_t>(first<T>(out)) % 16 == 0 &&
                                       reinterpret_cast<uintptr_t>(first<T>(table)) % 16 == 0};
  cudaLaunchConfig_t config = {};
  cudaLaunchAttribute programmatic = {};
  configure(config, programmatic, tokens, 256, stream);
  config.gridDim.y = static_cast<unsigned>((width + 256 * kLanes - 1) / (256 * kLanes));
  return static_cast<int>(cudaLaunchKernelEx(&config, &look_up<T>, a));
}

template <class T>
struct MoeSumArguments {
  const T* in;
  T* out;
  int64_t stride[2];
  int64_t width;
  int parts;
};

template <class T, int kParts, bool kVectors>
__global__ void __launch_bounds__(256) add_up(const __grid_constant__ MoeSumArguments<T> a) {
  wait_for_inputs();
  constexpr int kLanes = kVectors ? Vector<T>::kLanes : 1;
  const int64_t i = (blockIdx.y * (int64_t)blockDim.x + threadIdx.x) * kLanes;
  if (i >= a.width) return;
  const T* in = a.in + blockIdx.x * a.stride[0] + i;
  T* out = a.out + blockIdx.x * a.width + i;
  float sum[kLanes] = {};
  const auto add = [&](const Vector<T>& v) {
#pragma unroll
    for (int l = 0; l < kLanes; ++l) sum[l] += up(v.v[l]);
  };
  if constexpr (kVectors && kParts != 0) {
    Vector<T> v[kParts];
#pragma unroll
    for (int k = 0; k < kParts; ++k) v[k] = *reinterpret_cast<const Vector<T>*>(in + k * a.stride[1]);
#pragma unroll
    for (int k = 0; k < kParts; ++k) add(v[k]);
  } else {
    for (int k = 0; k < a.parts; ++k) {
      if constexpr (kVectors)
        add(*reinterpret_cast<const Vector<T>*>(in + k * a.stride[1]));
      else
        sum[0] += up(in[k * a.stride[1]]);
    }
  }
  if constexpr (kVectors) {
    Vector<T> v;
#pragma unroll
    for (int l = 0; l < kLanes; ++l) v.v[l] = down<T>(sum[l]);
    *reinterpret_cast<Vector<T>*>(out) = v;
  } else {
    *out = down<T>(sum[0]);
  }
}

template <class T>
int run_moe_sum(const DLTensor* input, DLTensor* out, void* stream) {
  MoeSumArguments<T> a = {first<const T>(input),
                          first<T>(out),
                          {input->strides[0], input->strides[1]},
                          out->shape[1],
                          static_cast<int>(input->shape[1])};
  const int64_t tokens = out->shape[0];
  if (tokens == 0 || a.width == 0) return 0;
  constexpr int kLanes = Vector<T>::kLanes;
  const bool vectors = wide(input, a.in, kLanes) && wide(out, a.out, kLanes);
  const int64_t items = vectors ? a.width / kLanes : a.width;
  cudaLaunchConfig_t config = {};
  cudaLaunchAttribute programmatic = {};
  configure(config, programmatic, tokens, items < 256 ? static_cast<int>((items + 31) / 32 * 32) : 256, stream);
  config.gridDim.y = static_cast<unsigned>((items + config.blockDim.x - 1) / config.blockDim.x);
  const auto start = [&](auto* kernel) { return static_cast<int>(cudaLaunchKernelEx(&config, kernel, a)); };
  if (!vectors) return start(&add_up<T, 0, false>);
  switch (a.parts) {
    case 2:
      return start(&add_up<T, 2, true>);
    case 4:
      return start(&add_up<T, 4, true>);
    case 8:
      return start(&add_up<T, 8, true>);
    default:
      return start(&add_up<T, 0, true>);
  }
}

template <class T>
struct MergeArguments {
  T* out;
  float* out_lse;
  const T *prefix, *suffix;
  const float *prefix_lse, *suffix_lse;
  int64_t prefix_stride[2], suffix_stride[2];
  int64_t tokens, vectors;  // vectors in all, each within one row
  int heads, per_row;       // vectors of a row
};

template <class T>
__global__ void __launch_bounds__(256) merge(const __grid_constant__ MergeArguments<T> a) {
  wait_for_inputs();
  const int64_t i = (int64_t)blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= a.vectors) return;
  const uint32_t row = (uint32_t)(i / a.per_row), t = row / a.heads, h = row % a.heads;
  const Vector<T> x = reinterpret_cast<const Vector<T>*>(a.prefix)[i],
                  y = reinterpret_cast<const Vector<T>*>(a.suffix)[i];
  float p = a.prefix_lse[h * a.prefix_stride[0] + t * a.prefix_stride[1]];
  float s = a.suffix_lse[h * a.suffix_stride[0] + t * a.suffix_stride[1]];
  const float empty = __int_as_float(0xff800000);
  if (isinf(p)) p = empty;
  if (isinf(s)) s = empty;
  const float most = fmaxf(p, s);
  const bool both_empty = isinf(most);
  const float u = both_empty ? 1 : expf(p - most), v = both_empty ? 0 : expf(s - most), share = 1 / (u + v);
  Vector<T> z;
#pragma unroll
  for (int l = 0; l < Vector<T>::kLanes; ++l) z.v[l] = down<T>(up(x.v[l]) * (u * share) + up(y.v[l]) * (v * share));
  reinterpret_cast<Vector<T>*>(a.out)[i] = z;
  if (a.out_lse != nullptr && i % a.per_row == 0) a.out_lse[h * a.tokens + t] = both_empty ? empty : most + logf(u + v);
}

template <class T>
int run_merge(DLTensor* out, DLTensor* out_lse, const DLTensor* prefix, const DLTensor* prefix_lse,
              const DLTensor* suffix, const DLTensor* suffix_lse, void* stream) {
  constexpr int kLanes = Vector<T>::kLanes;
  MergeArguments<T> a = {};
  a.out = first<T>(out);
  a.out_lse = out_lse != nullptr ? first<float>(out_lse) : nullptr;
  a.prefix = first<const T>(prefix);
  a.suffix = first<const T>(suffix);
  a.prefix_lse = first<const float>(prefix_lse);
  a.suffix_lse = first<const float>(suffix_lse);
  for (int i = 0; i < 2; ++i) {
    a.prefix_stride[i] = prefix_lse->strides[i];
    a.suffix_stride[i] = suffix_lse->strides[i];
  }
  a.tokens = out->shape[0];
  a.heads = static_cast<int>(out->shape[1]);
  a.per_row = static_cast<int>(out->shape[2] / kLanes);
  a.vectors = a.tokens * a.heads * a.per_row;
  if (a.vectors == 0) return 0;
  return launch(&merge<T>, a, (a.vectors + 255) / 256, 256, stream);
}

template <class T>
struct CacheArguments {
  const T* rows[2];
  T* caches[2];
  const int64_t* slots;
  int64_t row_stride[2], cache_stride[3];
  int heads, size, page;
  bool vectors;
};

/// blockIdx.x: token, blockIdx.y: key or value.
template <class T>
__global__ void __launch_bounds__(256) store_rows(const __grid_constant__ CacheArguments<T> a) {
  wait_for_inputs();
  const int64_t slot = a.slots[blockIdx.x];
  if (slot < 0) return;
  const int which = blockIdx.y, step = a.vectors ? Vector<T>::kLanes : 1;
  const T* from = a.rows[which] + blockIdx.x * a.row_stride[which];
  T* to = a.caches[which] + slot / a.page * a.cache_stride[0] + slot % a.page * a.cache_stride[1];
  for (int i = threadIdx.x * step; i < a.heads * a.size; i += blockDim.x * step) {
    T* at = to + i / a.size * a.cache_stride[2] + i % a.size;
    if (a.vectors)
      *reinterpret_cast<uint4*>(at) = *reinterpret_cast<const uint4*>(from + i);
    else
      *at = from[i];
  }
}

template <class T>
int run_cache(const DLTensor* key, const DLTensor* value, DLTensor* key_cache, DLTensor* value_cache,
              const DLTensor* slots, void* stream) {
  CacheArguments<T> a = {};
  constexpr int kLanes = Vector<T>::kLanes;
  const int64_t tokens = slots->shape[0];
  a.rows[0] = first<const T>(key);
  a.rows[1] = first<const T>(value);
  a.caches[0] = first<T>(key_cache);
  a.caches[1] = first<T>(value_cache);
  a.slots = first<const int64_t>(slots);
  a.row_stride[0] = key->strides[0];
  a.row_stride[1] = value->strides[0];
  for (int i = 0; i < 3; ++i) a.cache_stride[i] = key_cache->strides[i];
  a.page = static_cast<int>(key_cache->shape[1]);
  a.heads = static_cast<int>(key_cache->shape[2]);
  a.size = static_cast<int>(key_cache->shape[3]);
  if (tokens == 0 || a.heads * a.size == 0) return 0;
  a.vectors = wide(key, a.rows[0], kLanes) && wide(value, a.rows[1], kLanes) && wide(key_cache, a.caches[0], kLanes) &&
              wide(value_cache, a.caches[1], kLanes);
  const int items = a.heads * a.size / (a.vectors ? kLanes : 1);
  cudaLaunchConfig_t config = {};
  cudaLaunchAttribute programmatic = {};
  configure(config, programmatic, tokens, items < 256 ? (items + 31) / 32 * 32 : 256, stream);
  config.gridDim.y = 2;
  return static_cast<int>(cudaLaunchKernelEx(&config, &store_rows<T>, a));
}

}  // namespace

EXPORT int moe_sum(const DLTensor* input, DLTensor* out, void* stream) {
  return for_type(out, [&]<class T>(T*) { return run_moe_sum<T>(input, out, stream); });
}
