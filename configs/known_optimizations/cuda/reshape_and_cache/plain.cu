// A correct, plain reshape_and_cache: one thread an element of a new row.
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

/// Copies one element of `bytes` bytes, bit by bit the same.
__device__ void copy_element(char* to, const char* from, int bytes) {
  if (bytes == 4)
    *reinterpret_cast<unsigned*>(to) = *reinterpret_cast<const unsigned*>(from);
  else
    *reinterpret_cast<unsigned short*>(to) = *reinterpret_cast<const unsigned short*>(from);
}

__global__ void store_rows(View key, View value, View keys, View values, View slots, int bytes) {
  const long long i = static_cast<long long>(blockIdx.x) * blockDim.x + threadIdx.x;
  const long long heads = keys.shape[2], size = keys.shape[3], page = keys.shape[1];
  if (i >= slots.shape[0] * heads * size) return;
  const long long t = i / size / heads, h = i / size % heads, c = i % size;
  const long long slot = slots.integer<long long>(t);
  if (slot < 0) return;
  const long long to = slot / page * keys.stride[0] + slot % page * keys.stride[1] + h * keys.stride[2] + c;
  copy_element(keys.first + to * bytes, key.first + (t * key.stride[0] + h * key.stride[1] + c) * bytes, bytes);
  copy_element(values.first + to * bytes, value.first + (t * value.stride[0] + h * value.stride[1] + c) * bytes, bytes);
}

}  // namespace

extern "C" __attribute__((visibility("default"))) int reshape_and_cache(const DLTensor* key, const DLTensor* value,
                                                                        DLTensor* key_cache, DLTensor* value_cache,
                                                                        const DLTensor* slot_mapping, void* stream) {
  const long long elements = slot_mapping->shape[0] * key_cache->shape[2] * key_cache->shape[3];
  if (elements == 0) return 0;
  store_rows<<<blocks_for(elements), kThreads, 0, static_cast<cudaStream_t>(stream)>>>(
      view_of(key), view_of(value), view_of(key_cache), view_of(value_cache), view_of(slot_mapping),
      key->dtype.bits / 8);
  return cudaGetLastError();
}
