// Tuned silu_and_mul, and the plug-in's name.
#include "rows.cuh"

namespace {

__device__ __forceinline__ float silu_times(float gate, float other) { return gate / (1.0f + __expf(-gate)) * other; }

/// A grid over vectors of all rows: each thread makes one vector of 16 bytes.
template <class T, bool kWide>
__global__ void __launch_bounds__(256) silu_and_mul_kernel(const __grid_constant__ RowArguments<T> a) {
  wait_for_inputs();
  constexpr int kLanes = kWide ? Vector<T>::kLanes : 1;
  const int64_t per_row = a.d / kLanes;
  const int64_t i = blockIdx.x * (int64_t)blockDim.x + threadIdx.x;
  if (i >= per_row * a.rows) return;
  const int64_t row = i / per_row, column = i % per_row * kLanes;
  const T* in = a.in + a.place_in.at(row) + column;
  T* out = a.out + a.place_out.at(row) + column;
  if constexpr (kWide) {
    const Vector<T> g = *reinterpret_cast<const Vector<T>*>(in), u = *reinterpret_cast<const Vector<T>*>(in + a.d);
    Vector<T> y;
#pragma unroll
    for (int l = 0; l < kLanes; ++l) y.v[l] = down<T>(silu_times(up(g.v[l]), up(u.v[l])));
    *reinterpret_cast<Vector<T>*>(out) = y;
  } else {
    *out = down<T>(silu_times(up(in[0]), up(in[a.d])));
  }
}

template <class T>
int run_silu(DLTensor* out, const DLTensor* in, void* stream) {
  const int64_t rows = rows_of(out), d = out->shape[out->ndim - 1];
  if (rows == 0 || d == 0) return 0;
  constexpr int kLanes = Vector<T>::kLanes;
  const RowArguments<T> a = {first<T>(out), first<T>(in), place_of(out), place_of(in), rows, static_cast<int>(d)};
  const bool vectors = wide(out, a.out, kLanes) && wide(in, a.in, kLanes) && d % kLanes == 0;
  const int64_t items = rows * (vectors ? d / kLanes : d);
  return launch(vectors ? &silu_and_mul_kernel<T, true> : &silu_and_mul_kernel<T, false>, a, (items + 255) / 256, 256,
                stream);
}

}  // namespace

EXPORT const char* crucible_baseline_name(void) { return "tuned"; }
EXPORT const char* crucible_baseline_version(void) { return "1"; }

EXPORT int silu_and_mul(DLTensor* out, const DLTensor* input, void* stream) {
  return for_type(out, [&]<class T>(T*) { return run_silu<T>(out, input, stream); });
}
