// A correct, plain rotary_embedding: one thread a pair of elements.
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

/// Pair `i` of a head's R/2 pairs of one tensor; heads of all tokens in a row.
__global__ void rotate(View x, View positions, View table, long long head, int neox) {
  const long long half = table.shape[1] / 2, heads = x.shape[1] / head;
  const long long i = static_cast<long long>(blockIdx.x) * blockDim.x + threadIdx.x;
  if (i >= x.shape[0] * heads * half) return;
  const long long pair = i % half, which = i / half % heads, token = i / half / heads;
  const long long row = positions.integer<long long>(token) * table.stride[0];
  const float c = table.load(row + pair), s = table.load(row + half + pair);
  const long long start = token * x.stride[0] + which * head;
  const long long first = start + (neox ? pair : 2 * pair), second = start + (neox ? pair + half : 2 * pair + 1);
  const float a = x.load(first), b = x.load(second);
  x.store(first, a * c - b * s);
  x.store(second, b * c + a * s);
}

void launch(DLTensor* x, const DLTensor* positions, const DLTensor* table, long long head, int neox, void* stream) {
  const long long pairs = x->shape[0] * (x->shape[1] / head) * (table->shape[1] / 2);
  if (pairs == 0) return;
  rotate<<<blocks_for(pairs), kThreads, 0, static_cast<cudaStream_t>(stream)>>>(view_of(x), view_of(positions),
                                                                                view_of(table), head, neox);
}

}  // namespace

extern "C" __attribute__((visibility("default"))) int rotary_embedding(const DLTensor* positions, DLTensor* query,
                                                                       DLTensor* key, int64_t head_size,
                                                                       const DLTensor* cos_sin_cache, int32_t is_neox,
                                                                       void* stream) {
  launch(query, positions, cos_sin_cache, head_size, is_neox, stream);
  if (key != nullptr) launch(key, positions, cos_sin_cache, head_size, is_neox, stream);
  return cudaGetLastError();
}
