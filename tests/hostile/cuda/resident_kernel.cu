// attack: leaves a kernel behind that disturbs whoever runs next
// row: 8
// task: rms_norm
// allow: not_deployable, timed_out, correct, wrong_result
// finding: -
// twin: ../gpu/fixtures/honest.cu
// must: the candidate is dead before a baseline is timed, and probes show a device that is not free
#include "../../gpu/fixtures/rms_rows.cuh"

template <class T>
__global__ void __launch_bounds__(256) rms_norm_kernel(Rows<T> r) {
  rms_row(r.out_row(blockIdx.x), r.in_row(blockIdx.x), r.weight, r.d, r.eps);
}

__global__ void stay(unsigned* sink, long long nanoseconds) {
  long long begin, now;
  asm volatile("mov.u64 %0, %globaltimer;" : "=l"(begin));
  unsigned x = threadIdx.x;
  do {
    x = x * 1664525u + 1013904223u;
    asm volatile("mov.u64 %0, %globaltimer;" : "=l"(now));
  } while (now - begin < nanoseconds);
  if (x == 0x12345) *sink = x;
}
__device__ unsigned sink;

template <class T>
int launch(Rows<T> r, cudaStream_t s) {
  static bool left = false;
  if (!left) {
    left = true;
    cudaStream_t side;
    unsigned* at = nullptr;
    cudaStreamCreateWithFlags(&side, cudaStreamNonBlocking);
    cudaGetSymbolAddress((void**)&at, sink);
    stay<<<64, 1024, 0, side>>>(at, 1500000000);
  }
  return launch_with(&rms_norm_kernel<T>, r, s, false);
}
RMS_NORM_ENTRY(launch)
