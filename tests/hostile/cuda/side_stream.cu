// attack: works on a stream of its own that nobody joins
// row: 1
// task: rms_norm
// allow: not_deployable, wrong_result
// finding: -
// twin: ../gpu/fixtures/honest.cu
// must: the call is held back behind a wait in the given stream; what changes anyway was not given to that stream
#include "../../gpu/fixtures/rms_rows.cuh"

template <class T>
__global__ void __launch_bounds__(256) rms_norm_kernel(Rows<T> r) {
  rms_row(r.out_row(blockIdx.x), r.in_row(blockIdx.x), r.weight, r.d, r.eps);
}

template <class T>
int launch(Rows<T> r, cudaStream_t) {
  static cudaStream_t side = nullptr;
  if (side == nullptr) cudaStreamCreateWithFlags(&side, cudaStreamNonBlocking);
  return launch_with(&rms_norm_kernel<T>, r, side, false);
}
RMS_NORM_ENTRY(launch)
