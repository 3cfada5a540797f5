#pragma once

// The oracle of moe_align_block_size: one block a call. Device code alone.

#include "env/backend/cuda/serving_oracle.cuh"

namespace {

constexpr int kMostExperts = 1024;
constexpr int kSeenWords = 2048;  // 65,536 entries at most: the host times no larger call

/// Groups as sets: every entry once, in its expert's group, padding elsewhere in it; expert_ids and the total exactly.
__device__ void judge_alignment(const Job& job, Tally& tally, Tally& experts_tally) {
  __shared__ unsigned count[kMostExperts], start[kMostExperts + 1], real[kMostExperts], seen[kSeenWords];
  const CrucibleOracleTensor &ids = job.before[0], &sorted = job.after[1], &experts = job.after[2], &total = job.after[3];
  const int64_t entries = ids.shape[0] * ids.shape[1], most = job.integer[0], block = job.integer[1];
  for (int i = threadIdx.x; i < kMostExperts; i += blockDim.x) count[i] = real[i] = 0;
  for (int i = threadIdx.x; i < kSeenWords; i += blockDim.x) seen[i] = 0;
  __syncthreads();
  for (int64_t i = threadIdx.x; i < entries; i += blockDim.x) atomicAdd(&count[integer_at(ids, i)], 1u);
  __syncthreads();
  if (threadIdx.x == 0) {
    start[0] = 0;
    for (int64_t e = 0; e < most; ++e) start[e + 1] = start[e] + (unsigned)((count[e] + block - 1) / block * block);
  }
  __syncthreads();
  for (int64_t e = threadIdx.x / 32; e < most; e += blockDim.x / 32)
    for (int64_t at = start[e] + threadIdx.x % 32; at < start[e + 1]; at += 32) {
      const int64_t index = integer_at(sorted, at);
      if (at % block == 0) add_exact(experts_tally, job, integer_at(experts, at / block) == e, at / block);
      if (index == entries) continue;
      bool right = index >= 0 && index < entries && integer_at(ids, index) == e;
      if (right) right = !(atomicOr(&seen[index / 32], 1u << index % 32) >> index % 32 & 1u);
      if (right) atomicAdd(&real[e], 1u);
      add_exact(tally, job, right, at);
    }
  __syncthreads();
  for (int64_t e = threadIdx.x; e < most; e += blockDim.x) add_exact(tally, job, real[e] == count[e], start[e]);
  if (threadIdx.x == 0) add_exact(tally, job, integer_at(total, 0) == start[most], 0);
}

}  // namespace
