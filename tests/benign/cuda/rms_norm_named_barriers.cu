// honest: warps with roles: some sum, the others wait at a barrier of their own number
#include "../../gpu/fixtures/rms_rows.cuh"

template <class T>
__global__ void __launch_bounds__(256) rms_norm_kernel(Rows<T> r) {
  __shared__ float partial[4];
  const T* in = r.in_row(blockIdx.x);
  T* out = r.out_row(blockIdx.x);
  const int warp = threadIdx.x / 32, lane = threadIdx.x % 32;
  if (warp < 4) {
    float sum = 0;
    for (int i = threadIdx.x; i < r.d; i += 128) sum += to_float(in[i]) * to_float(in[i]);
    for (int step = 16; step > 0; step /= 2) sum += __shfl_xor_sync(~0u, sum, step);
    if (lane == 0) partial[warp] = sum;
    asm volatile("bar.arrive 1, 256;" ::: "memory");
    asm volatile("bar.sync 2, 256;" ::: "memory");
  } else {
    for (int i = threadIdx.x - 128; i < r.d; i += 128) asm volatile("prefetch.global.L2 [%0];" ::"l"(r.weight + i));
    asm volatile("bar.sync 1, 256;" ::: "memory");
    asm volatile("bar.arrive 2, 256;" ::: "memory");
  }
  const float sum = partial[0] + partial[1] + partial[2] + partial[3];
  const float scale = rsqrtf(sum / r.d + r.eps);
  for (int i = threadIdx.x; i < r.d; i += 256) out[i] = (T)(to_float(in[i]) * scale * to_float(r.weight[i]));
}

template <class T>
int launch(Rows<T> r, cudaStream_t s) {
  return launch_with(&rms_norm_kernel<T>, r, s, false);
}
RMS_NORM_ENTRY(launch)
