// Tuned top-k softmax of a router: a group of lanes keeps a row in registers; each pick is two reductions, the largest
// logit and then the first index that has it.
#include "rows.cuh"

namespace {

template <class T>
struct RouterArguments {
  float* weights;
  int* ids;
  const T* logits;
  int64_t tokens;
  int experts, k, renormalize;
};

/// Floats as integers in the same order; 0 stands below all of them.
__device__ __forceinline__ uint32_t ordered(float x) {
  const uint32_t bits = __float_as_uint(x);
  if (x == 0) return 0x80000000u;
  return bits & 0x80000000u ? ~bits : bits | 0x80000000u;
}

/// kGroup lanes a row, kHeld experts a lane.
template <class T, int kGroup, int kHeld>
__global__ void __launch_bounds__(128) route(const __grid_constant__ RouterArguments<T> a) {
  wait_for_inputs();
  const int lane = threadIdx.x % kGroup;
  const int64_t token = ((int64_t)blockIdx.x * blockDim.x + threadIdx.x) / kGroup;
  const uint32_t mask = kGroup == 32 ? ~0u : ((1u << kGroup % 32) - 1) << threadIdx.x % 32 / kGroup * kGroup;
  const bool mine = token < a.tokens;
  const T* row = a.logits + (mine ? token : 0) * a.experts;
  float x[kHeld];
  uint32_t key[kHeld];
  float most = __int_as_float(0xff800000);
#pragma unroll
  for (int i = 0; i < kHeld; ++i) {
    const int e = lane + i * kGroup;
    x[i] = e < a.experts ? up(row[e]) : __int_as_float(0xff800000);
    key[i] = e < a.experts ? ordered(x[i]) : 0;
    most = fmaxf(most, x[i]);
  }
  most = over_group<true, kGroup>(most);
  float sum = 0;
#pragma unroll
  for (int i = 0; i < kHeld; ++i) sum += expf(x[i] - most);
  sum = over_group<false, kGroup>(sum);
  float chosen = 0;
  for (int j = 0; j < a.k; ++j) {
    uint32_t best = 0;
#pragma unroll
    for (int i = 0; i < kHeld; ++i) best = max(best, key[i]);
    best = __reduce_max_sync(mask, best);
    uint32_t id = ~0u;
#pragma unroll
    for (int i = kHeld - 1; i >= 0; --i)
      if (key[i] == best) id = lane + i * kGroup;
    id = __reduce_min_sync(mask, id);
#pragma unroll
    for (int i = 0; i < kHeld; ++i)
      if (lane + i * kGroup == (int)id) key[i] = 0;
    const uint32_t bits = best & 0x80000000u ? best ^ 0x80000000u : ~best;
    const float p = expf(__uint_as_float(bits) - most) / sum;
    chosen += p;
    if (mine && lane == 0) {
      a.ids[token * a.k + j] = (int)id;
      a.weights[token * a.k + j] = p;
    }
  }
  if (!a.renormalize || !mine) return;
  __syncwarp(mask);
  for (int j = lane; j < a.k; j += kGroup) a.weights[token * a.k + j] /= chosen;
}

/// Any number of experts: a warp a row, each next pick comes behind the last in (logit descending, index ascending).
template <class T>
__global__ void __launch_bounds__(128) route_many(const __grid_constant__ RouterArguments<T> a) {
  wait_for_inputs();
  const int lane = threadIdx.x % 32;
  const int64_t token = ((int64_t)blockIdx.x * blockDim.x + threadIdx.x) / 32;
  if (token >= a.tokens) return;
  const T* row = a.logits + token * a.experts;
  float most = __int_as_float(0xff800000), sum = 0, chosen = 0;
  for (int e = lane; e < a.experts; e += 32) most = fmaxf(most, up(row[e]));
  most = over_group<true, 32>(most);
  for (int e = lane; e < a.experts; e += 32) sum += expf(up(row[e]) - most);
  sum = over_group<false, 32>(sum);
  uint32_t last = ~0u, last_id = 0;
  for (int j = 0; j < a.k; ++j) {
    uint32_t best = 0, id = ~0u;
    for (int e = lane; e < a.experts; e += 32) {
      const uint32_t key = ordered(up(row[e]));
      if ((j == 0 || key < last || (key == last && (uint32_t)e > last_id)) && key > best) {
        best = key;
        id = e;
      }
    }
    const uint32_t top = __reduce_max_sync(~0u, best);
    id = __reduce_min_sync(~0u, best == top ? id : ~0u);
    last = top;
    last_id = id;
    const float p = expf(up(row[id]) - most) / sum;
    chosen += p;
    if (lane == 0) {
      a.ids[token * a.k + j] = (int)id;
      a.weights[token * a.k + j] = p;
    }
  }
  __syncwarp();
  if (a.renormalize)
    for (int j = lane; j < a.k; j += 32) a.weights[token * a.k + j] /= chosen;
}

template <class T>
int run_router(DLTensor* weights, DLTensor* ids, const DLTensor* logits, int renormalize, void* stream) {
  const RouterArguments<T> a = {first<float>(weights),
                                first<int>(ids),
                                first<const T>(logits),
                                logits->shape[0],
                                static_cast<int>(logits->shape[1]),
                                static_cast<int>(ids->shape[1]),
                                renormalize};
  if (a.tokens == 0 || a.k == 0) return 0;
  const auto start = [&](auto* kernel, int group) {
    const int64_t rows = 128 / group;
    return launch(kernel, a, (a.tokens + rows - 1) / rows, 128, stream);
  };
  if (a.experts <= 8) return start(&route<T, 8, 1>, 8);
  if (a.experts <= 32) return start(&route<T, 32, 1>, 32);
  if (a.experts <= 64) return start(&route<T, 32, 2>, 32);
  if (a.experts <= 128) return start(&route<T, 32, 4>, 32);
  if (a.experts <= 256) return start(&route<T, 32, 8>, 32);
  if (a.experts <= 512) return start(&route<T, 32, 16>, 32);
  return start(&route_many<T>, 32);
}

}  // namespace

EXPORT int topk_softmax(DLTensor* weights, DLTensor* ids, const DLTensor* logits, int32_t renormalize, void* stream) {
  return for_type(logits, [&]<class T>(T*) { return run_router<T>(weights, ids, logits, renormalize, stream); });
}
