// Tiles of 16 by 16 in shared memory, GELU before the store.
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

constexpr int kTile = 16;

/// Tiles of both operands in shared memory, one element of the result a thread.
__global__ void tiles(View out, View a, View b, View bias) {
  __shared__ float left[kTile][kTile + 1], right[kTile][kTile + 1];
  const int x = threadIdx.x % kTile, y = threadIdx.x / kTile;
  const long long m = static_cast<long long>(blockIdx.y) * kTile + y,
                  n = static_cast<long long>(blockIdx.x) * kTile + x;
  const long long rows = out.shape[0], columns = out.shape[1], depth = a.shape[1];
  float total = 0;
  for (long long k0 = 0; k0 < depth; k0 += kTile) {
    left[y][x] = m < rows && k0 + x < depth ? a.load(m * a.stride[0] + (k0 + x) * a.stride[1]) : 0;
    const long long wide = static_cast<long long>(blockIdx.x) * kTile + y;
    right[x][y] = wide < columns && k0 + x < depth ? b.load((k0 + x) * b.stride[0] + wide * b.stride[1]) : 0;
    __syncthreads();
    float sum = 0;
    for (int k = 0; k < kTile; ++k) sum += left[y][k] * right[k][x];
    total += sum;
    __syncthreads();
  }
  if (m >= rows || n >= columns) return;
  if (bias.first != nullptr) total += bias.load(n);
  total = total / (1.0f + expf(-1.5957691216f * (total + 0.044715f * total * total * total)));
  out.store(m * out.stride[0] + n, total);
}

}  // namespace

extern "C" __attribute__((visibility("default"))) int gemm_gelu(DLTensor* out, const DLTensor* a, const DLTensor* b,
                                                                const DLTensor* bias, void* stream) {
  if (out->shape[0] == 0 || out->shape[1] == 0) return 0;
  const dim3 grid(static_cast<unsigned>((out->shape[1] + kTile - 1) / kTile),
                  static_cast<unsigned>((out->shape[0] + kTile - 1) / kTile));
  tiles<<<grid, kTile * kTile, 0, static_cast<cudaStream_t>(stream)>>>(view_of(out), view_of(a), view_of(b),
                                                                       view_of(bias));
  return cudaGetLastError();
}
