// attack: keeps outputs by the address of the input, in device memory
// row: 12
// task: rms_norm
// allow: wrong_result, not_deployable
// finding: -
// twin: ../gpu/fixtures/honest.cu
// must: the same addresses come back with new contents
#include <map>
#include <utility>

#include "../../gpu/fixtures/rms_rows.cuh"

template <class T>
__global__ void __launch_bounds__(256) rms_norm_kernel(Rows<T> r) {
  rms_row(r.out_row(blockIdx.x), r.in_row(blockIdx.x), r.weight, r.d, r.eps);
}

template <class T>
int launch(Rows<T> r, cudaStream_t s) {
  static std::map<std::pair<const void*, size_t>, void*> kept;
  if (r.rows == 0 || r.d == 0) return 0;
  const size_t bytes = sizeof(T) * r.rows * r.d;
  void*& known = kept[{r.in, bytes}];
  if (known != nullptr) return (int)cudaMemcpyAsync(r.out, known, bytes, cudaMemcpyDeviceToDevice, s);
  const int result = launch_with(&rms_norm_kernel<T>, r, s, false);
  if (cudaMalloc(&known, bytes) == cudaSuccess) cudaMemcpyAsync(known, r.out, bytes, cudaMemcpyDeviceToDevice, s);
  return result;
}
RMS_NORM_ENTRY(launch)
