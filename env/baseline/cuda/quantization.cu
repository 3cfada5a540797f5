// Tuned quantisation of groups to e4m3: every thread holds one vector of 16 bytes, a group's lanes share its maximum.
#include <cuda_fp8.h>

#include "rows.cuh"

namespace {

template <class T>
struct QuantArguments {
  const T* in;
  unsigned char* out;
  float* scale;
  int64_t step_token, step_group;
  int64_t vectors;  // in all
  int per_row;      // groups of a row
  float epsilon;
};

/// kLanes of a warp hold one group, one vector each.
template <class T, int kGroup>
__global__ void __launch_bounds__(256) quantize(const __grid_constant__ QuantArguments<T> a) {
  wait_for_inputs();
  constexpr int kElements = Vector<T>::kLanes, kShare = kGroup / kElements;
  const int64_t i = (int64_t)blockIdx.x * blockDim.x + threadIdx.x;
  const bool mine = i < a.vectors;
  Vector<T> v = {};
  if (mine) v = reinterpret_cast<const Vector<T>*>(a.in)[i];
  float x[kElements], largest = 0;
#pragma unroll
  for (int l = 0; l < kElements; ++l) {
    x[l] = up(v.v[l]);
    largest = fmaxf(largest, fabsf(x[l]));
  }
  largest = over_group<true, kShare>(largest);
  if (!mine) return;
  const float scale = fmaxf(largest, a.epsilon) / 448.0f;
  alignas(8) __nv_fp8_storage_t q[kElements];
#pragma unroll
  for (int l = 0; l < kElements; ++l) q[l] = __nv_cvt_float_to_fp8(x[l] / scale, __NV_SATFINITE, __NV_E4M3);
  if constexpr (kElements == 8)
    reinterpret_cast<uint2*>(a.out)[i] = *reinterpret_cast<const uint2*>(q);
  else
    reinterpret_cast<uint32_t*>(a.out)[i] = *reinterpret_cast<const uint32_t*>(q);
  if (i % kShare != 0) return;
  const uint32_t group = (uint32_t)(i / kShare);
  a.scale[group / a.per_row * a.step_token + group % a.per_row * a.step_group] = scale;
}

template <class T>
int run_quantize(const DLTensor* input, DLTensor* out, DLTensor* scale, int group, double epsilon, void* stream) {
  QuantArguments<T> a = {};
  constexpr int kElements = Vector<T>::kLanes;
  a.in = first<const T>(input);
  a.out = first<unsigned char>(out);
  a.scale = first<float>(scale);
  a.step_token = scale->strides[0];
  a.step_group = scale->strides[1];
  a.per_row = static_cast<int>(scale->shape[1]);
  a.vectors = input->shape[0] * input->shape[1] / kElements;
  a.epsilon = static_cast<float>(epsilon);
  if (a.vectors == 0) return 0;
  if (reinterpret_cast<uintptr_t>(a.in) % 16 != 0 || reinterpret_cast<uintptr_t>(a.out) % 8 != 0) return 1;
  const int64_t blocks = (a.vectors + 255) / 256;
  if (group == 128) return launch(&quantize<T, 128>, a, blocks, 256, stream);
  if (group == 64) return launch(&quantize<T, 64>, a, blocks, 256, stream);
  return 1;
}

}  // namespace

EXPORT int per_token_group_quant_fp8(const DLTensor* input, DLTensor* out_q, DLTensor* out_scale, int32_t group_size,
                                     double epsilon, void* stream) {
  return for_type(input,
                  [&]<class T>(T*) { return run_quantize<T>(input, out_q, out_scale, group_size, epsilon, stream); });
}
