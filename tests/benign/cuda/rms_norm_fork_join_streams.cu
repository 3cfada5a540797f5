// honest: half of the rows on a second stream, forked from the given one and joined to it
#include "../../gpu/fixtures/rms_rows.cuh"

template <class T>
__global__ void __launch_bounds__(256) rms_norm_kernel(Rows<T> r, int64_t first) {
  const int64_t row = first + blockIdx.x;
  rms_row(r.out_row(row), r.in_row(row), r.weight, r.d, r.eps);
}

template <class T>
int launch(Rows<T> r, cudaStream_t s) {
  if (r.rows == 0 || r.d == 0) return 0;
  static cudaStream_t side = nullptr;
  static cudaEvent_t forked, joined;
  if (side == nullptr) {
    cudaStreamCreateWithFlags(&side, cudaStreamNonBlocking);
    cudaEventCreateWithFlags(&forked, cudaEventDisableTiming);
    cudaEventCreateWithFlags(&joined, cudaEventDisableTiming);
  }
  const int half = r.rows / 2;
  if (half > 0) {
    cudaEventRecord(forked, s);
    cudaStreamWaitEvent(side, forked, 0);
    rms_norm_kernel<T><<<half, 256, 0, side>>>(r, 0);
    cudaEventRecord(joined, side);
  }
  rms_norm_kernel<T><<<r.rows - half, 256, 0, s>>>(r, half);
  if (half > 0) cudaStreamWaitEvent(s, joined, 0);
  return (int)cudaGetLastError();
}
RMS_NORM_ENTRY(launch)
