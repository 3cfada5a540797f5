// honest: two blocks of a cluster share a row and read each other's shared memory
#include <cooperative_groups.h>

#include "../../gpu/fixtures/rms_rows.cuh"

/// Sum over the block, known to all of its threads.
__device__ __forceinline__ float over_block(float v) {
  __shared__ float partial[32];
  for (int lane = 16; lane > 0; lane /= 2) v += __shfl_xor_sync(~0u, v, lane);
  __syncthreads();
  if (threadIdx.x % 32 == 0) partial[threadIdx.x / 32] = v;
  __syncthreads();
  v = 0;
  for (int w = 0; w < (int)blockDim.x / 32; ++w) v += partial[w];
  return v;
}

template <class T>
__global__ void __cluster_dims__(2, 1, 1) __launch_bounds__(256) rms_norm_kernel(Rows<T> r) {
  namespace cg = cooperative_groups;
  cg::cluster_group cluster = cg::this_cluster();
  __shared__ float mine;
  const int64_t row = blockIdx.x / 2;
  const int rank = (int)cluster.block_rank();
  const T* in = r.in_row(row);
  T* out = r.out_row(row);
  float sum = 0;
  for (int i = rank * 256 + threadIdx.x; i < r.d; i += 512) sum += to_float(in[i]) * to_float(in[i]);
  sum = over_block(sum);
  if (threadIdx.x == 0) mine = sum;
  cluster.sync();
  sum += *cluster.map_shared_rank(&mine, rank ^ 1);
  const float scale = rsqrtf(sum / r.d + r.eps);
  for (int i = rank * 256 + threadIdx.x; i < r.d; i += 512)
    out[i] = (T)(to_float(in[i]) * scale * to_float(r.weight[i]));
  cluster.sync();
}

template <class T>
int launch(Rows<T> r, cudaStream_t s) {
  return launch_with(&rms_norm_kernel<T>, r, s, false, 2 * r.rows);
}
RMS_NORM_ENTRY(launch)
