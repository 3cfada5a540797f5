// honest: tiles and reductions of cooperative groups, one warp a row
#include <cooperative_groups.h>
#include <cooperative_groups/reduce.h>

#include "../../gpu/fixtures/rms_rows.cuh"

template <class T>
__global__ void __launch_bounds__(256) rms_norm_kernel(Rows<T> r) {
  namespace cg = cooperative_groups;
  const auto warp = cg::tiled_partition<32>(cg::this_thread_block());
  const int64_t row = (int64_t)blockIdx.x * 8 + warp.meta_group_rank();
  if (row >= r.rows) return;
  const T* in = r.in_row(row);
  T* out = r.out_row(row);
  float sum = 0;
  for (int i = (int)warp.thread_rank(); i < r.d; i += 32) sum += to_float(in[i]) * to_float(in[i]);
  sum = cg::reduce(warp, sum, cg::plus<float>());
  const float scale = rsqrtf(sum / r.d + r.eps);
  for (int i = (int)warp.thread_rank(); i < r.d; i += 32) out[i] = (T)(to_float(in[i]) * scale * to_float(r.weight[i]));
}

template <class T>
int launch(Rows<T> r, cudaStream_t s) {
  return launch_with(&rms_norm_kernel<T>, r, s, false, (r.rows + 7) / 8);
}
RMS_NORM_ENTRY(launch)
