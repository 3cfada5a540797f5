// A correct, plain per_token_group_quant_fp8: one warp a group.
#include <crucible/kernel.h>
#include <cuda_bf16.h>
#include <cuda_fp16.h>
#include <cuda_fp8.h>
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

__global__ void quantize(View input, unsigned char* out, float* scale, long long step_t, long long step_g, int group,
                         float epsilon) {
  const long long warp = (static_cast<long long>(blockIdx.x) * blockDim.x + threadIdx.x) / 32;
  const long long width = input.shape[1], groups = width / group;
  if (warp >= input.shape[0] * groups) return;
  const long long t = warp / groups, g = warp % groups, first = t * width + g * group;
  float largest = 0;
  for (int i = threadIdx.x % 32; i < group; i += 32) largest = fmaxf(largest, fabsf(input.load(first + i)));
  for (int lane = 16; lane > 0; lane /= 2) largest = fmaxf(largest, __shfl_xor_sync(~0u, largest, lane));
  const float s = fmaxf(largest, epsilon) / 448.0f;
  for (int i = threadIdx.x % 32; i < group; i += 32)
    out[first + i] = __nv_cvt_float_to_fp8(input.load(first + i) / s, __NV_SATFINITE, __NV_E4M3);
  if (threadIdx.x % 32 == 0) scale[t * step_t + g * step_g] = s;
}

}  // namespace

extern "C" __attribute__((visibility("default"))) int per_token_group_quant_fp8(const DLTensor* input, DLTensor* out_q,
                                                                                DLTensor* out_scale, int32_t group_size,
                                                                                double epsilon, void* stream) {
  const long long groups = out_scale->shape[0] * out_scale->shape[1];
  if (groups == 0) return 0;
  quantize<<<blocks_for(groups * 32), kThreads, 0, static_cast<cudaStream_t>(stream)>>>(
      view_of(input), static_cast<unsigned char*>(out_q->data) + out_q->byte_offset,
      reinterpret_cast<float*>(static_cast<char*>(out_scale->data) + out_scale->byte_offset), out_scale->strides[0],
      out_scale->strides[1], static_cast<int>(group_size), static_cast<float>(epsilon));
  return cudaGetLastError();
}
