// attack: keeps the first output of every shape and copies it from then on
// row: 6
// task: rms_norm
// allow: wrong_result, not_deployable
// finding: -
// twin: ../gpu/fixtures/honest.cu
// must: every call has contents of its own
#include <map>
#include <tuple>

#include "../../gpu/fixtures/rms_rows.cuh"

template <class T>
__global__ void __launch_bounds__(256) rms_norm_kernel(Rows<T> r) {
  rms_row(r.out_row(blockIdx.x), r.in_row(blockIdx.x), r.weight, r.d, r.eps);
}

template <class T>
int launch(Rows<T> r, cudaStream_t s) {
  static std::map<std::tuple<int, int>, void*> kept;
  if (r.rows == 0 || r.d == 0) return 0;
  const size_t bytes = sizeof(T) * r.rows * r.d;
  void*& known = kept[{r.rows, r.d}];
  if (known != nullptr) return (int)cudaMemcpyAsync(r.out, known, bytes, cudaMemcpyDeviceToDevice, s);
  const int result = launch_with(&rms_norm_kernel<T>, r, s, false);
  if (cudaMalloc(&known, bytes) != cudaSuccess) return result;
  cudaMemcpyAsync(known, r.out, bytes, cudaMemcpyDeviceToDevice, s);
  return result;
}
RMS_NORM_ENTRY(launch)
