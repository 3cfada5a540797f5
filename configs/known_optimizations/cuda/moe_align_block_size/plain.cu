// A correct, plain moe_align_block_size: one block, one thread an expert.
#include <crucible/kernel.h>
#include <cuda_runtime.h>

namespace {

constexpr int kMostExperts = 1024;

/// Thread e counts, and then writes, the entries of expert e, in their order.
__global__ void align(const int* ids, int entries, int experts, int block, int* sorted, int* owners, int* total) {
  __shared__ int start[kMostExperts + 1];
  const int e = threadIdx.x;
  int count = 0;
  if (e < experts)
    for (int i = 0; i < entries; ++i) count += ids[i] == e;
  start[e + 1] = (count + block - 1) / block * block;
  if (e == 0) start[0] = 0;
  __syncthreads();
  if (e == 0) {
    for (int i = 0; i < experts; ++i) start[i + 1] += start[i];
    *total = start[experts];
  }
  __syncthreads();
  if (e >= experts) return;
  int at = start[e];
  for (int i = 0; i < entries; ++i)
    if (ids[i] == e) sorted[at++] = i;
  for (; at < start[e + 1]; ++at) sorted[at] = entries;
  for (int b = start[e]; b < start[e + 1]; b += block) owners[b / block] = e;
}

int* first(const DLTensor* t) { return reinterpret_cast<int*>(static_cast<char*>(t->data) + t->byte_offset); }

}  // namespace

extern "C" __attribute__((visibility("default"))) int moe_align_block_size(const DLTensor* topk_ids,
                                                                           int32_t num_experts, int32_t block_size,
                                                                           DLTensor* sorted_ids, DLTensor* expert_ids,
                                                                           DLTensor* num_tokens_post_pad,
                                                                           void* stream) {
  const int entries = static_cast<int>(topk_ids->shape[0] * topk_ids->shape[1]);
  align<<<1, kMostExperts, 0, static_cast<cudaStream_t>(stream)>>>(
      entries != 0 ? first(topk_ids) : nullptr, entries, num_experts, block_size,
      sorted_ids->shape[0] != 0 ? first(sorted_ids) : nullptr, expert_ids->shape[0] != 0 ? first(expert_ids) : nullptr,
      first(num_tokens_post_pad));
  return cudaGetLastError();
}
