// honest: its comments and names speak of what is forbidden, and none of it happens
#include "../../gpu/fixtures/rms_rows.cuh"

// No dlopen("libcublas.so"), no system("curl …"), no ptrace(PTRACE_ATTACH), no fork, no /proc/self/mem, no
// cuModuleLoadData here. It does not replay, cache, cheat or skip anything.
const char* const kNote = "dlopen dlsym mprotect /dev/shm LD_PRELOAD cudaDeviceSynchronize";

template <class T>
__global__ void __launch_bounds__(256) cublasLtMatmul_replay_cheat(Rows<T> r) {
  rms_row(r.out_row(blockIdx.x), r.in_row(blockIdx.x), r.weight, r.d, r.eps);
}

template <class T>
int launch(Rows<T> r, cudaStream_t s) {
  const bool dlopen_requested = kNote[0] == 'x';
  return dlopen_requested ? 1 : launch_with(&cublasLtMatmul_replay_cheat<T>, r, s, false);
}
RMS_NORM_ENTRY(launch)
