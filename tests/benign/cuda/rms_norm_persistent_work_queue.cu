// honest: a grid of fixed size that takes rows from a counter, which the last block resets
#include "../../gpu/fixtures/rms_rows.cuh"

__device__ unsigned next_row, finished;

template <class T>
__global__ void __launch_bounds__(256) rms_norm_kernel(Rows<T> r) {
  __shared__ unsigned row;
  for (;;) {
    if (threadIdx.x == 0) row = atomicAdd(&next_row, 1u);
    __syncthreads();
    const unsigned mine = row;
    if (mine >= (unsigned)r.rows) break;
    rms_row(r.out_row(mine), r.in_row(mine), r.weight, r.d, r.eps);
  }
  if (threadIdx.x == 0 && atomicAdd(&finished, 1u) == gridDim.x - 1) {
    next_row = 0;
    finished = 0;
    __threadfence();
  }
}

template <class T>
int launch(Rows<T> r, cudaStream_t s) {
  return launch_with(&rms_norm_kernel<T>, r, s, false, r.rows < 264 ? r.rows : 264);
}
RMS_NORM_ENTRY(launch)
