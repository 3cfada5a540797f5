// honest: the bulk copy engine brings rows to shared memory, and a barrier says when they are there
#include "../../gpu/fixtures/rms_rows.cuh"

/// Sum over the block, known to all of its threads.
__device__ __forceinline__ float over_block(float v) {
  __shared__ float partial[32];
  for (int lane = 16; lane > 0; lane /= 2) v += __shfl_xor_sync(~0u, v, lane);
  __syncthreads();
  if (threadIdx.x % 32 == 0) partial[threadIdx.x / 32] = v;
  __syncthreads();
  v = 0;
  for (int w = 0; w < (int)blockDim.x / 32; ++w) v += partial[w];
  return v;
}

constexpr int kPiece = 16384;  // bytes

__device__ __forceinline__ unsigned shared_address(const void* p) { return (unsigned)__cvta_generic_to_shared(p); }

template <class T>
__global__ void __launch_bounds__(256) rms_norm_kernel(Rows<T> r) {
  __shared__ alignas(128) unsigned char piece[kPiece];
  __shared__ alignas(8) unsigned long long barrier;
  const T* in = r.in_row(blockIdx.x);
  T* out = r.out_row(blockIdx.x);
  constexpr int kElements = kPiece / (int)sizeof(T);
  const bool bulk = (uintptr_t)in % 16 == 0 && r.d * sizeof(T) % 16 == 0;
  if (threadIdx.x == 0) asm volatile("mbarrier.init.shared.b64 [%0], 1;" ::"r"(shared_address(&barrier)));
  asm volatile("fence.mbarrier_init.release.cluster;");
  __syncthreads();
  float sum = 0;
  unsigned phase = 0;
  for (int begin = 0; begin < r.d; begin += kElements) {
    const int count = min(kElements, r.d - begin);
    T* here = (T*)piece;
    if (bulk) {
      const unsigned bytes = count * (unsigned)sizeof(T);
      if (threadIdx.x == 0) {
        asm volatile("mbarrier.arrive.expect_tx.shared.b64 _, [%0], %1;" ::"r"(shared_address(&barrier)), "r"(bytes)
                     : "memory");
        asm volatile("cp.async.bulk.shared::cluster.global.mbarrier::complete_tx::bytes [%0], [%1], %2, [%3];" ::"r"(
                         shared_address(piece)),
                     "l"(in + begin), "r"(bytes), "r"(shared_address(&barrier))
                     : "memory");
      }
      unsigned done = 0;
      while (!done)
        asm volatile("{ .reg .pred p; mbarrier.try_wait.parity.shared.b64 p, [%1], %2; selp.u32 %0, 1, 0, p; }"
                     : "=r"(done)
                     : "r"(shared_address(&barrier)), "r"(phase)
                     : "memory");
      phase ^= 1;
    } else {
      for (int i = threadIdx.x; i < count; i += 256) here[i] = in[begin + i];
      __syncthreads();
    }
    for (int i = threadIdx.x; i < count; i += 256) sum += to_float(here[i]) * to_float(here[i]);
    __syncthreads();
    asm volatile("fence.proxy.async.shared::cta;" ::: "memory");
  }
  const float scale = rsqrtf(over_block(sum) / r.d + r.eps);
  for (int i = threadIdx.x; i < r.d; i += 256) out[i] = (T)(to_float(in[i]) * scale * to_float(r.weight[i]));
}

template <class T>
int launch(Rows<T> r, cudaStream_t s) {
  return launch_with(&rms_norm_kernel<T>, r, s, false);
}
RMS_NORM_ENTRY(launch)
