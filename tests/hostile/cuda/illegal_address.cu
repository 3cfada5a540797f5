// attack: writes where nothing is mapped
// row: 17
// task: rms_norm
// allow: crashed
// finding: -
// twin: ../gpu/fixtures/honest.cu
// must: it costs one runner, and the next evaluation is unaffected
#include "../../gpu/fixtures/rms_rows.cuh"

template <class T>
__global__ void rms_norm_kernel(Rows<T> r) {
  *(volatile int*)(uintptr_t)(0x10 + threadIdx.x * 4) = r.d;
}

template <class T>
int launch(Rows<T> r, cudaStream_t s) {
  return launch_with(&rms_norm_kernel<T>, r, s, false, 1);
}
RMS_NORM_ENTRY(launch)
