// honest: remembers its launch geometry by shape, as libraries do, and nothing else
#include <map>
#include <mutex>
#include <utility>

#include "../../gpu/fixtures/rms_rows.cuh"

template <class T>
__global__ void rms_norm_kernel(Rows<T> r) {
  for (int64_t row = blockIdx.x; row < r.rows; row += gridDim.x)
    rms_row(r.out_row(row), r.in_row(row), r.weight, r.d, r.eps);
}

struct Plan {
  int blocks, threads;
};

template <class T>
int launch(Rows<T> r, cudaStream_t s) {
  static std::mutex mutex;
  static std::map<std::pair<int, int>, Plan> plans;
  if (r.rows == 0 || r.d == 0) return 0;
  const std::lock_guard lock(mutex);
  auto [at, fresh] = plans.try_emplace({r.rows, r.d});
  if (fresh) {
    int blocks = 0, processors = 0;
    cudaDeviceGetAttribute(&processors, cudaDevAttrMultiProcessorCount, 0);
    cudaOccupancyMaxActiveBlocksPerMultiprocessor(&blocks, rms_norm_kernel<T>, 256, 0);
    at->second = {r.rows < blocks * processors ? r.rows : blocks * processors, 256};
  }
  rms_norm_kernel<T><<<at->second.blocks, at->second.threads, 0, s>>>(r);
  return (int)cudaGetLastError();
}
RMS_NORM_ENTRY(launch)
