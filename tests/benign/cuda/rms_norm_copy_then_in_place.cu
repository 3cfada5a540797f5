// honest: copies the input with the copy engine's node first, then works in the output
#include "../../gpu/fixtures/rms_rows.cuh"

template <class T>
__global__ void __launch_bounds__(256) rms_norm_kernel(Rows<T> r) {
  rms_row(r.out_row(blockIdx.x), (const T*)r.out_row(blockIdx.x), r.weight, r.d, r.eps);
}
template <class T>
__global__ void __launch_bounds__(256) strided(Rows<T> r) {
  rms_row(r.out_row(blockIdx.x), r.in_row(blockIdx.x), r.weight, r.d, r.eps);
}

template <class T>
int launch(Rows<T> r, cudaStream_t s) {
  if (r.rows == 0 || r.d == 0) return 0;
  const bool compact = r.inner_stride == r.d && (r.inner == r.rows || r.outer_stride == r.inner * r.d);
  if (!compact) return launch_with(&strided<T>, r, s, false);
  cudaMemcpyAsync(r.out, r.in, sizeof(T) * (size_t)r.rows * r.d, cudaMemcpyDeviceToDevice, s);
  return launch_with(&rms_norm_kernel<T>, r, s, false);
}
RMS_NORM_ENTRY(launch)
