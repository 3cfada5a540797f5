// attack: waits for the device in every call, so that its clock looks short
// row: own
// task: rms_norm
// allow: not_deployable
// finding: -
// twin: ../gpu/fixtures/honest.cu
// must: production captures calls into graphs: a call must not wait
#include "../../gpu/fixtures/rms_rows.cuh"

template <class T>
__global__ void __launch_bounds__(256) rms_norm_kernel(Rows<T> r) {
  rms_row(r.out_row(blockIdx.x), r.in_row(blockIdx.x), r.weight, r.d, r.eps);
}

template <class T>
int launch(Rows<T> r, cudaStream_t s) {
  const int result = launch_with(&rms_norm_kernel<T>, r, s, false);
  if (result != 0) return result;
  return (int)cudaStreamSynchronize(s);
}
RMS_NORM_ENTRY(launch)
