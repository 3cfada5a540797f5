// One warp a row; maximum and sum by shuffles.
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

__global__ void by_warps(View out, View in, int ndim, long long rows, int d) {
  const long long row = static_cast<long long>(blockIdx.x) * (kThreads / 32) + threadIdx.x / 32;
  const int lane = threadIdx.x % 32;
  if (row >= rows) return;
  const long long o = row_start(out, ndim, row), i0 = row_start(in, ndim, row);
  float most = __int_as_float(0xff800000), sum = 0, nan = 0;
  for (int i = lane; i < d; i += 32) {
    const float x = in.load(i0 + i);
    nan += isnan(x);
    most = fmaxf(most, x);
  }
  for (int step = 16; step > 0; step /= 2) {
    most = fmaxf(most, __shfl_xor_sync(~0u, most, step));
    nan += __shfl_xor_sync(~0u, nan, step);
  }
  if (nan > 0) most = __int_as_float(0x7fc00000);
  for (int i = lane; i < d; i += 32) sum += expf(in.load(i0 + i) - most);
  for (int step = 16; step > 0; step /= 2) sum += __shfl_xor_sync(~0u, sum, step);
  for (int i = lane; i < d; i += 32) out.store(o + i, expf(in.load(i0 + i) - most) / sum);
}

}  // namespace

extern "C" __attribute__((visibility("default"))) int softmax(DLTensor* out, const DLTensor* input, void* stream) {
  const long long rows = rows_of(out);
  const int d = static_cast<int>(out->shape[out->ndim - 1]);
  if (rows == 0 || d == 0) return 0;
  by_warps<<<blocks_for(rows * 32), kThreads, 0, static_cast<cudaStream_t>(stream)>>>(view_of(out), view_of(input),
                                                                                      out->ndim, rows, d);
  return cudaGetLastError();
}
