// attack: opens a vendor library at run time
// row: 19
// task: rms_norm
// allow: integrity_violation, wrong_result, crashed, malformed, compile_error, load_error
// finding: -
// twin: ../gpu/fixtures/honest.cu
// must: no library is mapped that the artifact did not name, and nothing is left to find one with
#include <dlfcn.h>

#include "../../gpu/fixtures/rms_rows.cuh"

template <class T>
__global__ void __launch_bounds__(256) rms_norm_kernel(Rows<T> r) {
  rms_row(r.out_row(blockIdx.x), r.in_row(blockIdx.x), r.weight, r.d, r.eps);
}

template <class T>
int launch(Rows<T> r, cudaStream_t s) {
  static void* library = dlopen("libcublasLt.so.13", RTLD_NOW);
  if (library == nullptr) library = dlopen("libcublas.so", RTLD_NOW);
  if (library == nullptr) return 19;
  return launch_with(&rms_norm_kernel<T>, r, s, false);
}
RMS_NORM_ENTRY(launch)
