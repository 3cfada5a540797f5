// Tuned decode attention over a paged cache: the positions of a sequence are split over blocks, each row of the cache
// is read once for all query heads that share it, and a second kernel joins the parts.
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

constexpr int kThreads = 128;
constexpr int kAtOnce = 4;  // positions whose rows a group of lanes has in flight
constexpr int kMaxSplits = 64;
constexpr size_t kWorkspaceBytes = 64ull << 20;

template <class T>
struct AttentionArguments {
  T* out;
  const T *query, *keys, *values;
  const int *table, *lengths;
  int64_t query_stride[2], key_stride[3], value_stride[3], out_stride[2];
  float* parts;  // [sequence][query head][split]: maximum, sum, h channels
  int heads, kv_heads, size, page, width, splits;
  float scale;
};

/// Eight adjacent elements as floats.
template <class T>
__device__ __forceinline__ void load8(const T* from, float (&to)[8]) {
  constexpr int kLanes = Vector<T>::kLanes;
#pragma unroll
  for (int v = 0; v < 8 / kLanes; ++v) {
    const Vector<T> x = reinterpret_cast<const Vector<T>*>(from)[v];
#pragma unroll
    for (int l = 0; l < kLanes; ++l) to[v * kLanes + l] = up(x.v[l]);
  }
}

/// kQueries query heads of one kv head; kRow lanes hold a row of 8·kRow channels.
template <class T, int kQueries, int kRow>
__global__ void __launch_bounds__(kThreads) attend(const __grid_constant__ AttentionArguments<T> a) {
  wait_for_inputs();
  constexpr int kGroups = kThreads / kRow, kSize = 8 * kRow;
  __shared__ float part_most[kGroups][kQueries], part_sum[kGroups][kQueries];
  __shared__ float joined[kQueries][kSize];
  const int group_size = a.heads / a.kv_heads;
  const int passes = (group_size + kQueries - 1) / kQueries;
  const int s = blockIdx.y / (a.kv_heads * passes), kv = blockIdx.y / passes % a.kv_heads;
  const int first_head = kv * group_size + blockIdx.y % passes * kQueries;
  const int queries = min(kQueries, group_size - (int)(blockIdx.y % passes) * kQueries);
  const int group = threadIdx.x / kRow, channel = threadIdx.x % kRow * 8;
  const int length = a.lengths[s];
  const int share =
      ((length + a.splits - 1) / a.splits + kGroups * kAtOnce - 1) / (kGroups * kAtOnce) * (kGroups * kAtOnce);
  const int begin = blockIdx.x * share, end = min(length, begin + share);
  float q[kQueries][8], sum[kQueries], most[kQueries], result[kQueries][8] = {};
#pragma unroll
  for (int g = 0; g < kQueries; ++g) {
    const int head = first_head + min(g, queries - 1);
    load8(a.query + s * a.query_stride[0] + head * a.query_stride[1] + channel, q[g]);
#pragma unroll
    for (int c = 0; c < 8; ++c) q[g][c] *= a.scale;
    sum[g] = 0;
    most[g] = -1e30f;
  }
  const int* table = a.table + (int64_t)s * a.width;
  // All lanes of a warp go round as often: they reduce together.
  for (int start = begin; start < end; start += kGroups * kAtOnce) {
    const int base = start + group * kAtOnce;
    float k[kAtOnce][8], v[kAtOnce][8], score[kAtOnce][kQueries];
#pragma unroll
    for (int p = 0; p < kAtOnce; ++p) {
      const int position = min(base + p, end - 1);
      const int64_t block = table[position / a.page], row = position % a.page;
      load8(a.keys + block * a.key_stride[0] + row * a.key_stride[1] + kv * a.key_stride[2] + channel, k[p]);
      load8(a.values + block * a.value_stride[0] + row * a.value_stride[1] + kv * a.value_stride[2] + channel, v[p]);
    }
#pragma unroll
    for (int p = 0; p < kAtOnce; ++p)
#pragma unroll
      for (int g = 0; g < kQueries; ++g) {
        float dot = 0;
#pragma unroll
        for (int c = 0; c < 8; ++c) dot += q[g][c] * k[p][c];
        dot = over_group<false, kRow>(dot);
        score[p][g] = base + p < end ? dot : -1e30f;
      }
#pragma unroll
    for (int g = 0; g < kQueries; ++g) {
      float larger = most[g];
#pragma unroll
      for (int p = 0; p < kAtOnce; ++p) larger = fmaxf(larger, score[p][g]);
      const float keep = expf(most[g] - larger);
      most[g] = larger;
      sum[g] *= keep;
#pragma unroll
      for (int c = 0; c < 8; ++c) result[g][c] *= keep;
#pragma unroll
      for (int p = 0; p < kAtOnce; ++p) {
        const float weight = base + p < end ? expf(score[p][g] - larger) : 0;
        sum[g] += weight;
#pragma unroll
        for (int c = 0; c < 8; ++c) result[g][c] += weight * v[p][c];
      }
    }
  }
  if (threadIdx.x % kRow == 0)
#pragma unroll
    for (int g = 0; g < kQueries; ++g) {
      part_most[group][g] = most[g];
      part_sum[group][g] = sum[g];
    }
  for (int i = threadIdx.x; i < kQueries * kSize; i += kThreads) (&joined[0][0])[i] = 0;
  __syncthreads();
  float block_most[kQueries], block_sum[kQueries];
#pragma unroll
  for (int g = 0; g < kQueries; ++g) {
    block_most[g] = -1e30f;
    block_sum[g] = 0;
    for (int i = 0; i < kGroups; ++i) block_most[g] = fmaxf(block_most[g], part_most[i][g]);
    for (int i = 0; i < kGroups; ++i) block_sum[g] += part_sum[i][g] * expf(part_most[i][g] - block_most[g]);
    const float keep = expf(most[g] - block_most[g]);
#pragma unroll
    for (int c = 0; c < 8; ++c) result[g][c] *= keep;
  }
  // One group after the other, so that sums come in the same order in every run.
  for (int turn = 0; turn < kGroups; ++turn) {
    if (turn == group)
#pragma unroll
      for (int g = 0; g < kQueries; ++g)
#pragma unroll
        for (int c = 0; c < 8; ++c) joined[g][channel + c] += result[g][c];
    __syncthreads();
  }
  for (int i = threadIdx.x; i < queries * kSize; i += kThreads) {
    const int g = i / kSize, c = i % kSize, head = first_head + g;
    if (a.splits == 1)
      a.out[s * a.out_stride[0] + head * a.out_stride[1] + c] = down<T>(joined[g][c] / block_sum[g]);
    else
      a.parts[(((int64_t)s * a.heads + head) * a.splits + blockIdx.x) * (kSize + 2) + 2 + c] = joined[g][c];
  }
  if (a.splits == 1) return;
  if (threadIdx.x == 0)
#pragma unroll
    for (int g = 0; g < kQueries; ++g)
      if (g < queries) {
        float* part = a.parts + (((int64_t)s * a.heads + first_head + g) * a.splits + blockIdx.x) * (kSize + 2);
        part[0] = block_most[g];
        part[1] = block_sum[g];
      }
}

/// One block a sequence and query head, one thread a channel.
template <class T>
__global__ void join(const __grid_constant__ AttentionArguments<T> a) {
  wait_for_inputs();
  const int s = blockIdx.x / a.heads, head = blockIdx.x % a.heads, c = threadIdx.x;
  const float* part = a.parts + (int64_t)blockIdx.x * a.splits * (a.size + 2);
  float most = -1e30f, sum = 0, result = 0;
  for (int i = 0; i < a.splits; ++i) most = fmaxf(most, part[i * (a.size + 2)]);
  for (int i = 0; i < a.splits; ++i) {
    const float keep = expf(part[i * (a.size + 2)] - most);
    sum += keep * part[i * (a.size + 2) + 1];
    result += keep * part[i * (a.size + 2) + 2 + c];
  }
  a.out[s * a.out_stride[0] + head * a.out_stride[1] + c] = down<T>(result / sum);
}

/// Any head size, stride and alignment: one block a sequence and query head, one warp a position.
template <class T>
__global__ void __launch_bounds__(256) attend_any(const __grid_constant__ AttentionArguments<T> a) {
  wait_for_inputs();
  constexpr int kWarps = 8, kHeld = 8;  // channels a lane: heads of up to 256
  __shared__ float warp_most[kWarps], warp_sum[kWarps], joined[256];
  const int s = blockIdx.x / a.heads, head = blockIdx.x % a.heads, kv = head / (a.heads / a.kv_heads);
  const int lane = threadIdx.x % 32, warp = threadIdx.x / 32, length = a.lengths[s];
  float q[kHeld] = {}, result[kHeld] = {}, most = -1e30f, sum = 0;
  for (int i = 0; i < kHeld; ++i)
    if (lane + 32 * i < a.size)
      q[i] = up(a.query[s * a.query_stride[0] + head * a.query_stride[1] + lane + 32 * i]) * a.scale;
  for (int position = warp; position < length; position += kWarps) {
    const int64_t block = a.table[(int64_t)s * a.width + position / a.page], row = position % a.page;
    const T* k = a.keys + block * a.key_stride[0] + row * a.key_stride[1] + kv * a.key_stride[2];
    const T* v = a.values + block * a.value_stride[0] + row * a.value_stride[1] + kv * a.value_stride[2];
    float score = 0;
    for (int i = 0; i < kHeld; ++i)
      if (lane + 32 * i < a.size) score += q[i] * up(k[lane + 32 * i]);
    score = over_group<false, 32>(score);
    const float larger = fmaxf(most, score), keep = expf(most - larger), weight = expf(score - larger);
    sum = sum * keep + weight;
    most = larger;
    for (int i = 0; i < kHeld; ++i)
      if (lane + 32 * i < a.size) result[i] = result[i] * keep + weight * up(v[lane + 32 * i]);
  }
  if (lane == 0) {
    warp_most[warp] = most;
    warp_sum[warp] = sum;
  }
  joined[threadIdx.x] = 0;
  __syncthreads();
  float all = -1e30f, total = 0;
  for (int w = 0; w < kWarps; ++w) all = fmaxf(all, warp_most[w]);
  for (int w = 0; w < kWarps; ++w) total += warp_sum[w] * expf(warp_most[w] - all);
  for (int turn = 0; turn < kWarps; ++turn) {
    if (turn == warp)
      for (int i = 0; i < kHeld; ++i)
        if (lane + 32 * i < a.size) joined[lane + 32 * i] += result[i] * expf(most - all);
    __syncthreads();
  }
  if (threadIdx.x < a.size)
    a.out[s * a.out_stride[0] + head * a.out_stride[1] + threadIdx.x] = down<T>(joined[threadIdx.x] / total);
}

float* workspace() {
  static float* memory = [] {
    void* at = nullptr;
    return cudaMalloc(&at, kWorkspaceBytes) == cudaSuccess ? static_cast<float*>(at) : nullptr;
  }();
  return memory;
}

template <class T, int kQueries, int kRow>
int attend_split(AttentionArguments<T> a, int sequences, int64_t longest, void* stream) {
  const int group = a.heads / a.kv_heads, passes = (group + kQueries - 1) / kQueries;
  const int64_t units = int64_t{sequences} * a.kv_heads * passes;
  constexpr int kStep = kThreads / kRow * kAtOnce;
  int64_t splits = (4 * 132 + units - 1) / units;
  splits = splits < (longest + kStep - 1) / kStep ? splits : (longest + kStep - 1) / kStep;
  splits = splits < kMaxSplits ? splits : kMaxSplits;
  const size_t per_split = size_t{4} * sequences * a.heads * (a.size + 2);
  while (splits > 1 && splits * per_split > kWorkspaceBytes) --splits;
  a.splits = static_cast<int>(splits);
  a.parts = splits > 1 ? workspace() : nullptr;
  if (splits > 1 && a.parts == nullptr) return 2;
  cudaLaunchConfig_t config = {};
  cudaLaunchAttribute programmatic = {};
  configure(config, programmatic, splits, kThreads, stream);
  config.gridDim.y = static_cast<unsigned>(units);
  int status = static_cast<int>(cudaLaunchKernelEx(&config, &attend<T, kQueries, kRow>, a));
  if (status == 0 && splits > 1) status = launch(&join<T>, a, int64_t{sequences} * a.heads, a.size, stream);
  return status;
}

template <class T, int kQueries>
int attend_rows(const AttentionArguments<T>& a, int sequences, int64_t longest, void* stream) {
  switch (a.size) {
    case 64:
      return attend_split<T, kQueries, 8>(a, sequences, longest, stream);
    case 128:
      return attend_split<T, kQueries, 16>(a, sequences, longest, stream);
    default:
      return attend_split<T, kQueries, 32>(a, sequences, longest, stream);
  }
}

template <class T>
int run_attention(DLTensor* out, const DLTensor* query, const DLTensor* keys, const DLTensor* values,
                  const DLTensor* table, const DLTensor* lengths, double scale, void* stream) {
  AttentionArguments<T> a = {};
  const int sequences = static_cast<int>(query->shape[0]);
  a.heads = static_cast<int>(query->shape[1]);
  a.size = static_cast<int>(query->shape[2]);
  if (sequences == 0 || a.heads == 0 || a.size == 0) return 0;
  a.out = first<T>(out);
  a.query = first<const T>(query);
  a.keys = first<const T>(keys);
  a.values = first<const T>(values);
  a.table = first<const int>(table);
  a.lengths = first<const int>(lengths);
  bool aligned = reinterpret_cast<uintptr_t>(a.query) % 16 == 0 && reinterpret_cast<uintptr_t>(a.keys) % 16 == 0 &&
                 reinterpret_cast<uintptr_t>(a.values) % 16 == 0;
  constexpr int kLanes = Vector<T>::kLanes;
  for (int i = 0; i < 3; ++i) {
    a.key_stride[i] = keys->strides[i];
    a.value_stride[i] = values->strides[i];
    aligned = aligned && keys->strides[i] % kLanes == 0 && values->strides[i] % kLanes == 0;
  }
  for (int i = 0; i < 2; ++i) {
    a.query_stride[i] = query->strides[i];
    a.out_stride[i] = out->strides[i];
    aligned = aligned && query->strides[i] % kLanes == 0;
  }
  a.page = static_cast<int>(keys->shape[1]);
  a.kv_heads = static_cast<int>(keys->shape[2]);
  a.width = static_cast<int>(table->shape[1]);
  a.scale = static_cast<float>(scale);
  if (!aligned || (a.size != 64 && a.size != 128 && a.size != 256))
    return launch(&attend_any<T>, a, int64_t{sequences} * a.heads, 256, stream);
  const int64_t longest = int64_t{a.width} * a.page;
  const int group = a.heads / a.kv_heads;
  if (group >= 5 && a.size < 256) return attend_rows<T, 8>(a, sequences, longest, stream);
  if (group >= 3) return attend_rows<T, 4>(a, sequences, longest, stream);
  if (group == 2) return attend_rows<T, 2>(a, sequences, longest, stream);
  return attend_rows<T, 1>(a, sequences, longest, stream);
}

}  // namespace

EXPORT int paged_decode_attention(DLTensor* out, const DLTensor* query, const DLTensor* key_cache,
                                  const DLTensor* value_cache, const DLTensor* block_table, const DLTensor* seq_lens,
                                  double scale, void* stream) {
  return for_type(query, [&]<class T>(T*) {
    return run_attention<T>(out, query, key_cache, value_cache, block_table, seq_lens, scale, stream);
  });
}
