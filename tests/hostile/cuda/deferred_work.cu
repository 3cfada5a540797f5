// attack: remembers a call and does its work in the next one
// row: 1
// task: rms_norm
// allow: wrong_result, not_deployable
// finding: -
// twin: ../gpu/fixtures/honest.cu
// must: outputs are read before the next call exists
#include <string.h>

#include "../../gpu/fixtures/rms_rows.cuh"

template <class T>
__global__ void __launch_bounds__(256) rms_norm_kernel(Rows<T> r) {
  rms_row(r.out_row(blockIdx.x), r.in_row(blockIdx.x), r.weight, r.d, r.eps);
}

static char remembered[sizeof(Rows<float>)];
static bool have_one = false;

template <class T>
int launch(Rows<T> r, cudaStream_t s) {
  int result = 0;
  if (have_one) {
    Rows<T> before;
    memcpy((void*)&before, remembered, sizeof before);
    if (before.rows == r.rows && before.d == r.d) result = launch_with(&rms_norm_kernel<T>, before, s, false);
  }
  memcpy(remembered, (const void*)&r, sizeof r);
  have_one = true;
  return result;
}
RMS_NORM_ENTRY(launch)
