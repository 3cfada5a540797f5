// Unfused: one kernel adds, the next normalises.
#include <crucible/kernel.h>
#include <cuda_bf16.h>
#include <cuda_fp16.h>
#include <cuda_runtime.h>

namespace {

/// A tensor by value: descriptors do not outlive the call.
struct View {
  char* first;
  int type;  // 0 f32, 1 f16, 2 bf16
  long long shape[4], stride[4];

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
  template <class Integer>
  __device__ Integer integer(long long i) const {
    return reinterpret_cast<const Integer*>(first)[i];
  }
};

View view_of(const DLTensor* t) {
  View v = {};
  if (t == nullptr) return v;
  v.first = static_cast<char*>(t->data) + t->byte_offset;
  v.type = t->dtype.code == kDLBfloat ? 2 : t->dtype.bits == 16 ? 1 : 0;
  for (int i = 0; i < t->ndim; ++i) {
    v.shape[i] = t->shape[i];
    v.stride[i] = t->strides[i];
  }
  return v;
}

constexpr int kThreads = 256;

unsigned blocks_for(long long threads) { return static_cast<unsigned>((threads + kThreads - 1) / kThreads); }

/// Where row `row` of all leading indices together begins.
__device__ long long row_start(const View& v, int ndim, long long row) {
  long long start = 0;
  for (int axis = ndim - 2; axis >= 0; --axis) {
    start += row % v.shape[axis] * v.stride[axis];
    row /= v.shape[axis];
  }
  return start;
}

long long rows_of(const DLTensor* t) {
  long long rows = 1;
  for (int axis = 0; axis + 1 < t->ndim; ++axis) rows *= t->shape[axis];
  return rows;
}

__global__ void add(View input, View residual, int ndim, long long elements, int d) {
  const long long i = static_cast<long long>(blockIdx.x) * blockDim.x + threadIdx.x;
  if (i >= elements) return;
  residual.store(i, input.load(row_start(input, ndim, i / d) + i % d) + residual.load(i));
}

__global__ void normalise(View input, View residual, View weight, int ndim, int d, float epsilon) {
  __shared__ float all[kThreads];
  const long long to = row_start(input, ndim, blockIdx.x), from = static_cast<long long>(blockIdx.x) * d;
  float squares = 0;
  for (int i = threadIdx.x; i < d; i += kThreads) squares += residual.load(from + i) * residual.load(from + i);
  all[threadIdx.x] = squares;
  __syncthreads();
  for (int half = kThreads / 2; half > 0; half /= 2) {
    if (threadIdx.x < half) all[threadIdx.x] += all[threadIdx.x + half];
    __syncthreads();
  }
  const float scale = rsqrtf(all[0] / d + epsilon);
  for (int i = threadIdx.x; i < d; i += kThreads) input.store(to + i, residual.load(from + i) * scale * weight.load(i));
}

}  // namespace

extern "C" __attribute__((visibility("default"))) int fused_add_rms_norm(DLTensor* input, DLTensor* residual,
                                                                         const DLTensor* weight, double epsilon,
                                                                         void* stream) {
  const long long rows = rows_of(input);
  const int d = static_cast<int>(input->shape[input->ndim - 1]);
  if (rows == 0 || d == 0) return 0;
  const auto s = static_cast<cudaStream_t>(stream);
  add<<<blocks_for(rows * d), kThreads, 0, s>>>(view_of(input), view_of(residual), input->ndim, rows * d, d);
  normalise<<<static_cast<unsigned>(rows), kThreads, 0, s>>>(view_of(input), view_of(residual), view_of(weight),
                                                             input->ndim, d, static_cast<float>(epsilon));
  return cudaGetLastError();
}
