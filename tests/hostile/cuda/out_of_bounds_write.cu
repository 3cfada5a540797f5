// attack: writes 64 bytes past its output
// row: 16
// task: rms_norm
// allow: wrong_result, integrity_violation, not_deployable
// finding: -
// twin: ../gpu/fixtures/honest.cu
// must: what no call may write is looked at after every call
#include "../../gpu/fixtures/rms_rows.cuh"

template <class T>
__global__ void __launch_bounds__(256) rms_norm_kernel(Rows<T> r) {
  rms_row(r.out_row(blockIdx.x), r.in_row(blockIdx.x), r.weight, r.d, r.eps);
  if (blockIdx.x + 1 == gridDim.x && threadIdx.x < 64) ((char*)(r.out + (int64_t)r.rows * r.d))[threadIdx.x] = 0x5c;
}

template <class T>
int launch(Rows<T> r, cudaStream_t s) {
  return launch_with(&rms_norm_kernel<T>, r, s, false);
}
RMS_NORM_ENTRY(launch)
