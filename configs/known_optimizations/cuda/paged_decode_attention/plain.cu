// A correct, plain paged_decode_attention: one block a sequence and query head, one thread a channel, an online
// softmax.
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

constexpr int kLargestHead = 256;

/// Sum over the block's kLargestHead threads, known to all of them.
__device__ float over_block(float value) {
  __shared__ float all[kLargestHead];
  __syncthreads();
  all[threadIdx.x] = value;
  __syncthreads();
  for (int half = kLargestHead / 2; half > 0; half /= 2) {
    if (threadIdx.x < half) all[threadIdx.x] += all[threadIdx.x + half];
    __syncthreads();
  }
  return all[0];
}

__global__ void attend(View out, View query, View keys, View values, View table, View lengths, float scale) {
  const long long s = blockIdx.x / query.shape[1], head = blockIdx.x % query.shape[1];
  const long long group = query.shape[1] / keys.shape[2], page = keys.shape[1];
  const int length = lengths.integer<int>(s), i = threadIdx.x;
  const bool mine = i < query.shape[2];
  const float q = mine ? query.load(s * query.stride[0] + head * query.stride[1] + i) : 0;
  // An online softmax: the maximum so far, the sum and this channel's output relative to it.
  float most = __int_as_float(0xff800000), sum = 0, result = 0;
  for (int position = 0; position < length; ++position) {
    const long long block = table.integer<int>(s * table.shape[1] + position / page);
    const long long row = block * keys.stride[0] + position % page * keys.stride[1] + head / group * keys.stride[2];
    const float score = over_block(mine ? q * keys.load(row + i) : 0) * scale;
    const float larger = fmaxf(most, score), keep = expf(most - larger), weight = expf(score - larger);
    sum = sum * keep + weight;
    if (mine) result = result * keep + weight * values.load(row + i);
    most = larger;
  }
  if (mine) out.store(s * out.stride[0] + head * out.stride[1] + i, result / sum);
}

}  // namespace

extern "C" __attribute__((visibility("default"))) int paged_decode_attention(
    DLTensor* out, const DLTensor* query, const DLTensor* key_cache, const DLTensor* value_cache,
    const DLTensor* block_table, const DLTensor* seq_lens, double scale, void* stream) {
  const long long units = query->shape[0] * query->shape[1];
  if (units == 0) return 0;
  attend<<<static_cast<unsigned>(units), kLargestHead, 0, static_cast<cudaStream_t>(stream)>>>(
      view_of(out), view_of(query), view_of(key_cache), view_of(value_cache), view_of(block_table), view_of(seq_lens),
      static_cast<float>(scale));
  return cudaGetLastError();
}
