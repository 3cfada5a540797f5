// attack: never returns
// row: 17
// task: rms_norm
// allow: timed_out
// finding: -
// twin: ../gpu/fixtures/honest.cu
// must: the call has a deadline, the runner is killed, and the device is well afterwards
#include "../../gpu/fixtures/rms_rows.cuh"

template <class T>
__global__ void rms_norm_kernel(Rows<T> r) {
  volatile int* at = (volatile int*)r.out;
  while (at[0] != 0x12345678 || at[1] != 0x9abcdef) {
  }
}

template <class T>
int launch(Rows<T> r, cudaStream_t s) {
  return launch_with(&rms_norm_kernel<T>, r, s, false, 1);
}
RMS_NORM_ENTRY(launch)
