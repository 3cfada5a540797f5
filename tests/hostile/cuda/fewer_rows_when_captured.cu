// attack: is honest when called, and leaves rows out when it is recorded
// row: 4
// task: rms_norm
// allow: wrong_result, not_deployable
// finding: -
// twin: ../gpu/fixtures/honest.cu
// must: what is paid is what was recorded, and all of its outputs are verified
#include "../../gpu/fixtures/rms_rows.cuh"

template <class T>
__global__ void __launch_bounds__(256) rms_norm_kernel(Rows<T> r) {
  rms_row(r.out_row(blockIdx.x), r.in_row(blockIdx.x), r.weight, r.d, r.eps);
}

template <class T>
int launch(Rows<T> r, cudaStream_t s) {
  cudaStreamCaptureStatus status = cudaStreamCaptureStatusNone;
  cudaStreamIsCapturing(s, &status);
  const bool recorded = status != cudaStreamCaptureStatusNone && r.rows > 4;
  return launch_with(&rms_norm_kernel<T>, r, s, false, recorded ? r.rows / 2 : 0);
}
RMS_NORM_ENTRY(launch)
