// A correct, plain softmax: one block per row, one element at a time.
#include <crucible/kernel.h>
#include <cuda_bf16.h>
#include <cuda_fp16.h>
#include <cuda_runtime.h>

namespace {

/// A tensor by value: descriptors do not outlive the call. Rows are all leading indices together.
struct View {
  char* first;
  int type;  // 0 f32, 1 f16, 2 bf16
  int ndim;
  long long shape[3], stride[3];

  __device__ long long row_start(long long row) const {
    long long start = 0;
    for (int axis = ndim - 2; axis >= 0; --axis) {
      start += row % shape[axis] * stride[axis];
      row /= shape[axis];
    }
    return start;
  }
  __device__ float load(long long i) const {
    if (type == 0) return reinterpret_cast<const float*>(first)[i];
    if (type == 1) return __half2float(reinterpret_cast<const __half*>(first)[i]);
    return __bfloat162float(reinterpret_cast<const __nv_bfloat16*>(first)[i]);
  }
  __device__ void store(long long i, float value) const {
    if (type == 0) reinterpret_cast<float*>(first)[i] = value;
    if (type == 1) reinterpret_cast<__half*>(first)[i] = __float2half_rn(value);
    if (type == 2) reinterpret_cast<__nv_bfloat16*>(first)[i] = __float2bfloat16_rn(value);
  }
};

View view_of(const DLTensor* t) {
  View v = {};
  if (t == nullptr) return v;
  v.first = static_cast<char*>(t->data) + t->byte_offset;
  v.type = t->dtype.code == kDLBfloat ? 2 : t->dtype.bits == 16 ? 1 : 0;
  v.ndim = t->ndim;
  for (int i = 0; i < t->ndim; ++i) {
    v.shape[i] = t->shape[i];
    v.stride[i] = t->strides[i];
  }
  return v;
}

long long rows_of(const DLTensor* t) {
  long long rows = 1;
  for (int axis = 0; axis + 1 < t->ndim; ++axis) rows *= t->shape[axis];
  return rows;
}

/// Sum (or maximum) over the block's 256 threads, known to all of them.
template <bool kMaximum>
__device__ float over_block(float value) {
  __shared__ float all[256];
  __syncthreads();
  all[threadIdx.x] = value;
  __syncthreads();
  for (int half = 128; half > 0; half /= 2) {
    if (threadIdx.x < half) {
      const float other = all[threadIdx.x + half];
      all[threadIdx.x] = kMaximum ? fmaxf(all[threadIdx.x], other) : all[threadIdx.x] + other;
    }
    __syncthreads();
  }
  return all[0];
}

__global__ void rows(View out, View input, int d) {
  const long long o = out.row_start(blockIdx.x), in = input.row_start(blockIdx.x);
  float most = -INFINITY;
  for (int i = threadIdx.x; i < d; i += 256) most = fmaxf(most, input.load(in + i));
  most = over_block<true>(most);
  float sum = 0;
  for (int i = threadIdx.x; i < d; i += 256) sum += expf(input.load(in + i) - most);
  sum = over_block<false>(sum);
  for (int i = threadIdx.x; i < d; i += 256) out.store(o + i, expf(input.load(in + i) - most) / sum);
}

}  // namespace

extern "C" __attribute__((visibility("default"))) int softmax(DLTensor* out, const DLTensor* input, void* stream) {
  const long long n = rows_of(out);
  const int d = static_cast<int>(out->shape[out->ndim - 1]);
  if (n == 0 || d == 0) return 0;
  rows<<<n, 256, 0, static_cast<cudaStream_t>(stream)>>>(view_of(out), view_of(input), d);
  return cudaGetLastError();
}
