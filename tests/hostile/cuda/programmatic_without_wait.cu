// attack: a programmatic launch that never waits for what comes before it
// row: own
// task: rms_norm
// allow: wrong_result, not_deployable
// finding: -
// twin: ../gpu/fixtures/honest.cu
// must: the next input does not exist before the previous output is complete
#include "../../gpu/fixtures/rms_rows.cuh"

template <class T>
__global__ void __launch_bounds__(256) rms_norm_kernel(Rows<T> r) {
  rms_row(r.out_row(blockIdx.x), r.in_row(blockIdx.x), r.weight, r.d, r.eps);
}

template <class T>
int launch(Rows<T> r, cudaStream_t s) {
  return launch_with(&rms_norm_kernel<T>, r, s, true);
}
RMS_NORM_ENTRY(launch)
