// attack: takes the mean square of the first 256 columns for that of the row
// row: 18
// task: rms_norm
// allow: wrong_result
// finding: -
// twin: ../gpu/fixtures/honest.cu
// must: references are fp64 over the whole row, and prefixes differ from suffixes
#include "../../gpu/fixtures/rms_rows.cuh"

template <class T>
__global__ void __launch_bounds__(256) rms_norm_kernel(Rows<T> r) {
  const T* in = r.in_row(blockIdx.x);
  T* out = r.out_row(blockIdx.x);
  const int part = r.d < 256 ? r.d : 256;
  float sum = 0;
  for (int i = threadIdx.x; i < part; i += 256) sum += to_float(in[i]) * to_float(in[i]);
  __shared__ float partial[256];
  partial[threadIdx.x] = sum;
  __syncthreads();
  for (int half = 128; half > 0; half /= 2) {
    if ((int)threadIdx.x < half) partial[threadIdx.x] += partial[threadIdx.x + half];
    __syncthreads();
  }
  const float scale = rsqrtf(partial[0] / part + r.eps);
  for (int i = threadIdx.x; i < r.d; i += 256) out[i] = (T)(to_float(in[i]) * scale * to_float(r.weight[i]));
}

template <class T>
int launch(Rows<T> r, cudaStream_t s) {
  return launch_with(&rms_norm_kernel<T>, r, s, false);
}
RMS_NORM_ENTRY(launch)
