// honest: sums of squares by atomic additions into memory that a memset cleared
#include "../../gpu/fixtures/rms_rows.cuh"

__device__ float squares[8192];

template <class T>
__global__ void add_up(Rows<T> r, int64_t begin) {
  const T* in = r.in_row(begin + blockIdx.y);
  float sum = 0;
  for (int i = blockIdx.x * 256 + threadIdx.x; i < r.d; i += gridDim.x * 256) sum += to_float(in[i]) * to_float(in[i]);
  for (int lane = 16; lane > 0; lane /= 2) sum += __shfl_xor_sync(~0u, sum, lane);
  if (threadIdx.x % 32 == 0) atomicAdd(&squares[blockIdx.y], sum);
}
template <class T>
__global__ void rms_norm_kernel(Rows<T> r, int64_t begin) {
  const int64_t row = begin + blockIdx.y;
  const float scale = rsqrtf(squares[blockIdx.y] / r.d + r.eps);
  for (int i = blockIdx.x * 256 + threadIdx.x; i < r.d; i += gridDim.x * 256)
    r.out_row(row)[i] = (T)(to_float(r.in_row(row)[i]) * scale * to_float(r.weight[i]));
}

template <class T>
int launch(Rows<T> r, cudaStream_t s) {
  if (r.rows == 0 || r.d == 0) return 0;
  static void* cleared = nullptr;
  if (cleared == nullptr) cudaGetSymbolAddress(&cleared, squares);
  for (int64_t begin = 0; begin < r.rows; begin += 8192) {
    const unsigned rows = (unsigned)(r.rows - begin < 8192 ? r.rows - begin : 8192);
    const dim3 grid((unsigned)(r.d + 2047) / 2048, rows);
    cudaMemsetAsync(cleared, 0, rows * sizeof(float), s);
    add_up<T><<<grid, 256, 0, s>>>(r, begin);
    rms_norm_kernel<T><<<grid, 256, 0, s>>>(r, begin);
  }
  return (int)cudaGetLastError();
}
RMS_NORM_ENTRY(launch)
