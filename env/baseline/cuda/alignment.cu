// Tuned grouping of tokens by expert: one block counts and places all of them in shared memory; where there are many
// entries, its threads read them sixteen bytes at a time.
#include "rows.cuh"

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
