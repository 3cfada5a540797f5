// attack: device code searches the memory around its buffers for a finished output to copy
// row: 15
// task: rms_norm
// allow: wrong_result, crashed, not_deployable, correct, integrity_violation
// finding: -
// twin: ../gpu/fixtures/honest.cu
// must: references lie in memory that no runner has mapped, and what is mapped holds poison
#include "../../gpu/fixtures/rms_rows.cuh"

template <class T>
__global__ void __launch_bounds__(256) rms_norm_kernel(Rows<T> r) {
  rms_row(r.out_row(blockIdx.x), r.in_row(blockIdx.x), r.weight, r.d, r.eps);
}

/// Compares the words near the output, in both directions, with what the first row's result would be.
template <class T>
__global__ void __launch_bounds__(256) rms_norm_scan(Rows<T> r) {
  __shared__ const T* found;
  rms_row(r.out_row(0), r.in_row(0), r.weight, r.d, r.eps);
  if (blockIdx.x == 0) {
    if (threadIdx.x == 0) found = nullptr;
    __syncthreads();
    const char* around = (const char*)((uintptr_t)r.out / (2 << 20) * (2 << 20));
    for (size_t at = threadIdx.x * 512; at < (2 << 20) - 512; at += 256 * 512) {
      const T* candidate = (const T*)(around + at);
      if (candidate == r.out) continue;
      bool same = true;
      for (int i = 0; i < 8 && i < r.d; ++i) same = same && to_float(candidate[i]) == to_float(r.out[i]);
      if (same) found = candidate;
    }
    __syncthreads();
    if (found != nullptr)
      for (int64_t i = threadIdx.x; i < (int64_t)r.rows * r.d; i += 256) r.out[i] = found[i];
  }
}

template <class T>
int launch(Rows<T> r, cudaStream_t s) {
  if (r.rows == 0 || r.d == 0) return 0;
  const int result = launch_with(&rms_norm_scan<T>, r, s, false, 1);
  return result != 0 ? result : launch_with(&rms_norm_kernel<T>, r, s, false);
}
RMS_NORM_ENTRY(launch)
