// A correct, plain merge_attn_states: one thread an element of the result.
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

__device__ float finite_or_empty(float lse) { return isinf(lse) ? __int_as_float(0xff800000) : lse; }

__global__ void merge(View out, View out_lse, View prefix, View prefix_lse, View suffix, View suffix_lse) {
  const long long i = static_cast<long long>(blockIdx.x) * blockDim.x + threadIdx.x;
  const long long heads = out.shape[1], size = out.shape[2], tokens = out.shape[0];
  if (i >= tokens * heads * size) return;
  const long long t = i / size / heads, h = i / size % heads;
  const float a = finite_or_empty(prefix_lse.load(h * prefix_lse.stride[0] + t * prefix_lse.stride[1]));
  const float b = finite_or_empty(suffix_lse.load(h * suffix_lse.stride[0] + t * suffix_lse.stride[1]));
  const float most = fmaxf(a, b);
  const bool both_empty = isinf(most);
  const float u = both_empty ? 1 : expf(a - most), v = both_empty ? 0 : expf(b - most);
  out.store(i, prefix.load(i) * (u / (u + v)) + (v == 0 ? 0 : suffix.load(i) * (v / (u + v))));
  if (out_lse.first != nullptr && i % size == 0) out_lse.store(h * tokens + t, both_empty ? most : most + logf(u + v));
}

}  // namespace

extern "C" __attribute__((visibility("default"))) int merge_attn_states(DLTensor* out, DLTensor* out_lse,
                                                                        const DLTensor* prefix,
                                                                        const DLTensor* prefix_lse,
                                                                        const DLTensor* suffix,
                                                                        const DLTensor* suffix_lse, void* stream) {
  const long long elements = out->shape[0] * out->shape[1] * out->shape[2];
  if (elements == 0) return 0;
  merge<<<blocks_for(elements), kThreads, 0, static_cast<cudaStream_t>(stream)>>>(
      view_of(out), view_of(out_lse), view_of(prefix), view_of(prefix_lse), view_of(suffix), view_of(suffix_lse));
  return cudaGetLastError();
}
