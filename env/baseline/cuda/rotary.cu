// Tuned rotary embedding: query and key in one launch, both halves of a pair in vectors of 16 bytes.
#include "rows.cuh"

namespace {

template <class T>
struct RotaryArguments {
  T* x[2];            // query, key
  int64_t stride[2];  // elements between tokens
  int heads[2];       // of query, of both
  const int64_t* positions;
  const T* table;
  int head, rotated;
  int64_t tokens;
};

template <class T, bool kNeox, bool kWide>
__global__ void __launch_bounds__(256) rotary(const __grid_constant__ RotaryArguments<T> a) {
  wait_for_inputs();
  constexpr int kLanes = kWide ? Vector<T>::kLanes : 1;
  const int half = a.rotated / 2, per_head = half / kLanes;
  const int64_t token = blockIdx.x;
  const int i = blockIdx.y * blockDim.x + threadIdx.x;
  if (i >= a.heads[1] * per_head) return;
  int head = i / per_head;
  const int pair = i % per_head * kLanes, which = head >= a.heads[0];
  if (which) head -= a.heads[0];
  const T* row = a.table + a.positions[token] * a.rotated;
  T* x = a.x[which] + token * a.stride[which] + (int64_t)head * a.head;
  if constexpr (kWide && kNeox) {
    auto* first = reinterpret_cast<Vector<T>*>(x + pair);
    auto* second = reinterpret_cast<Vector<T>*>(x + half + pair);
    const Vector<T> c = *reinterpret_cast<const Vector<T>*>(row + pair);
    const Vector<T> s = *reinterpret_cast<const Vector<T>*>(row + half + pair);
    Vector<T> u = *first, v = *second;
#pragma unroll
    for (int l = 0; l < kLanes; ++l) {
      const float p = up(u.v[l]), q = up(v.v[l]);
      u.v[l] = down<T>(p * up(c.v[l]) - q * up(s.v[l]));
      v.v[l] = down<T>(q * up(c.v[l]) + p * up(s.v[l]));
    }
    *first = u;
    *second = v;
  } else {
    for (int l = 0; l < kLanes; ++l) {
      T* first = x + (kNeox ? pair + l : 2 * (pair + l));
      T* second = kNeox ? first + half : first + 1;
      const float c = up(row[pair + l]), s = up(row[half + pair + l]), p = up(*first), q = up(*second);
      *first = down<T>(p * c - q * s);
      *second = down<T>(q * c + p * s);
    }
  }
}

template <class T>
int run_rotary(const DLTensor* positions, DLTensor* query, DLTensor* key, int64_t head, const DLTensor* table, int neox,
               void* stream) {
  RotaryArguments<T> a = {};
  a.tokens = query->shape[0];
  a.head = static_cast<int>(head);
  a.rotated = static_cast<int>(table->shape[1]);
  a.heads[0] = a.heads[1] = static_cast<int>(query->shape[1] / head);
  a.x[0] = first<T>(query);
  a.stride[0] = query->strides[0];
  if (key != nullptr) {
    a.x[1] = first<T>(key);
    a.stride[1] = key->strides[0];
    a.heads[1] += static_cast<int>(key->shape[1] / head);
  }
  a.positions = first<const int64_t>(positions);
  a.table = first<const T>(table);
  constexpr int kLanes = Vector<T>::kLanes;
  const bool aligned = wide(query, a.x[0], kLanes) && (key == nullptr || wide(key, a.x[1], kLanes)) &&
                       reinterpret_cast<uintptr_t>(a.table) % 16 == 0 && a.rotated / 2 % kLanes == 0 &&
                       head % kLanes == 0;
  const int work = a.heads[1] * (a.rotated / 2) / (aligned && neox ? kLanes : 1);
  if (a.tokens == 0 || work == 0) return 0;
  cudaLaunchConfig_t config = {};
  cudaLaunchAttribute programmatic = {};
  const int threads = work >= 256 ? 256 : (work + 31) / 32 * 32;
  configure(config, programmatic, a.tokens, threads, stream);
  config.gridDim.y = static_cast<unsigned>((work + threads - 1) / threads);
  if (!neox) return static_cast<int>(cudaLaunchKernelEx(&config, &rotary<T, false, false>, a));
  return static_cast<int>(aligned ? cudaLaunchKernelEx(&config, &rotary<T, true, true>, a)
                                  : cudaLaunchKernelEx(&config, &rotary<T, true, false>, a));
}

}  // namespace

EXPORT int rotary_embedding(const DLTensor* positions, DLTensor* query, DLTensor* key, int64_t head_size,
                            const DLTensor* cos_sin_cache, int32_t is_neox, void* stream) {
  return for_type(query, [&]<class T>(T*) {
    return run_rotary<T>(positions, query, key, head_size, cos_sin_cache, is_neox, stream);
  });
}
