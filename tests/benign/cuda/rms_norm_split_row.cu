// honest: rows are cut into parts by one kernel whose sums a second one joins
#include "../../gpu/fixtures/rms_rows.cuh"

constexpr int kParts = 8;
__device__ float part_sums[4096 * kParts];

template <class T>
__global__ void __launch_bounds__(256) sum_parts(Rows<T> r, int64_t begin) {
  const int64_t row = begin + blockIdx.y;
  const int share = (r.d + kParts - 1) / kParts, from = blockIdx.x * share, to = min(r.d, from + share);
  float sum = 0;
  for (int i = from + threadIdx.x; i < to; i += 256) sum += to_float(r.in_row(row)[i]) * to_float(r.in_row(row)[i]);
  __shared__ float all[256];
  all[threadIdx.x] = sum;
  __syncthreads();
  for (int half = 128; half > 0; half /= 2) {
    if ((int)threadIdx.x < half) all[threadIdx.x] += all[threadIdx.x + half];
    __syncthreads();
  }
  if (threadIdx.x == 0) part_sums[blockIdx.y * kParts + blockIdx.x] = all[0];
}
template <class T>
__global__ void __launch_bounds__(256) rms_norm_kernel(Rows<T> r, int64_t begin) {
  const int64_t row = begin + blockIdx.y;
  float sum = 0;
  for (int p = 0; p < kParts; ++p) sum += part_sums[blockIdx.y * kParts + p];
  const float scale = rsqrtf(sum / r.d + r.eps);
  for (int i = blockIdx.x * 256 + threadIdx.x; i < r.d; i += kParts * 256)
    r.out_row(row)[i] = (T)(to_float(r.in_row(row)[i]) * scale * to_float(r.weight[i]));
}

template <class T>
int launch(Rows<T> r, cudaStream_t s) {
  if (r.rows == 0 || r.d == 0) return 0;
  for (int64_t begin = 0; begin < r.rows; begin += 4096) {
    const unsigned rows = (unsigned)(r.rows - begin < 4096 ? r.rows - begin : 4096);
    sum_parts<T><<<dim3(kParts, rows), 256, 0, s>>>(r, begin);
    rms_norm_kernel<T><<<dim3(kParts, rows), 256, 0, s>>>(r, begin);
  }
  return (int)cudaGetLastError();
}
RMS_NORM_ENTRY(launch)
