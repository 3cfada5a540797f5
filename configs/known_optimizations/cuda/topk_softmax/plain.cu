// A correct, plain topk_softmax: one thread a token, one pass over the experts for each of the k.
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

__global__ void route(View weights, View ids, View logits, int renormalize) {
  const long long t = static_cast<long long>(blockIdx.x) * blockDim.x + threadIdx.x;
  if (t >= logits.shape[0]) return;
  const int experts = static_cast<int>(logits.shape[1]), k = static_cast<int>(ids.shape[1]);
  const long long row = t * experts;
  float most = logits.load(row), sum = 0;
  for (int e = 1; e < experts; ++e) most = fmaxf(most, logits.load(row + e));
  for (int e = 0; e < experts; ++e) sum += expf(logits.load(row + e) - most);
  // The experts in order: each next one comes behind the last in (logit descending, index ascending).
  float last = 0, chosen = 0;
  int last_id = -1;
  for (int j = 0; j < k; ++j) {
    float best = 0;
    int best_id = -1;
    for (int e = 0; e < experts; ++e) {
      const float x = logits.load(row + e);
      const bool behind = last_id < 0 || x < last || (x == last && e > last_id);
      if (behind && (best_id < 0 || x > best)) {
        best = x;
        best_id = e;
      }
    }
    const float p = expf(best - most) / sum;
    chosen += p;
    reinterpret_cast<int*>(ids.first)[t * k + j] = best_id;
    weights.store(t * k + j, p);
    last = best;
    last_id = best_id;
  }
  if (renormalize)
    for (int j = 0; j < k; ++j) weights.store(t * k + j, weights.load(t * k + j) / chosen);
}

}  // namespace

extern "C" __attribute__((visibility("default"))) int topk_softmax(DLTensor* weights, DLTensor* ids,
                                                                   const DLTensor* logits, int32_t renormalize,
                                                                   void* stream) {
  if (logits->shape[0] == 0 || ids->shape[1] == 0) return 0;
  route<<<blocks_for(logits->shape[0]), kThreads, 0, static_cast<cudaStream_t>(stream)>>>(
      view_of(weights), view_of(ids), view_of(logits), renormalize);
  return cudaGetLastError();
}
