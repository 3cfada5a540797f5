// attack: odd calls only remember their arguments, even calls do the work of two
// row: 10a
// task: rms_norm
// allow: wrong_result, not_deployable, integrity_violation
// finding: -
// twin: ../gpu/fixtures/honest.cu
// must: a call's input does not exist before the previous output is complete
#include "../../gpu/fixtures/rms_rows.cuh"

__device__ char remembered[sizeof(Rows<float>)];
__device__ unsigned calls;
__device__ unsigned arrived;

template <class T>
__global__ void __launch_bounds__(256) honest_kernel(Rows<T> r) {
  rms_row(r.out_row(blockIdx.x), r.in_row(blockIdx.x), r.weight, r.d, r.eps);
}

template <class T>
__global__ void __launch_bounds__(256) rms_norm_kernel(Rows<T> r) {
  const unsigned call = *(volatile unsigned*)&calls;
  if (call % 2 == 1) {
    Rows<T> other;
    memcpy((void*)&other, remembered, sizeof other);
    rms_row(r.out_row(blockIdx.x), r.in_row(blockIdx.x), r.weight, r.d, r.eps);
    rms_row(other.out_row(blockIdx.x), other.in_row(blockIdx.x), other.weight, r.d, r.eps);
  }
  __syncthreads();
  if (threadIdx.x == 0 && atomicAdd(&arrived, 1) == gridDim.x - 1) {
    if (call % 2 == 0) memcpy(remembered, (const void*)&r, sizeof r);
    arrived = 0;
    calls = call + 1;
  }
}

template <class T>
int launch(Rows<T> r, cudaStream_t s) {
  cudaStreamCaptureStatus status = cudaStreamCaptureStatusNone;
  cudaStreamIsCapturing(s, &status);
  if (status == cudaStreamCaptureStatusNone) return launch_with(&honest_kernel<T>, r, s, false);
  return launch_with(&rms_norm_kernel<T>, r, s, false);
}
RMS_NORM_ENTRY(launch)
