// Tuned softmax. A row stays in registers; a few long rows are each shared by a cluster of blocks.
#include <cooperative_groups.h>

#include "rows.cuh"

namespace {

template <class T, bool kWide>
__global__ void __launch_bounds__(1024) softmax_kernel(const __grid_constant__ RowArguments<T> a) {
  wait_for_inputs();
  const T* in = a.in + a.place_in.at(blockIdx.x);
  T* out = a.out + a.place_out.at(blockIdx.x);
  constexpr int kLanes = Vector<T>::kLanes;
  const float minus_infinity = __int_as_float(0xff800000);
  if constexpr (kWide) {
    const int vectors = a.d / kLanes;
    if (vectors <= kMaxHeld * (int)blockDim.x) {
      float x[kMaxHeld][kLanes];
      float most = minus_infinity;
#pragma unroll
      for (int k = 0; k < kMaxHeld; ++k) {
        const int i = threadIdx.x + k * blockDim.x;
        if (i >= vectors) break;
        const Vector<T> v = reinterpret_cast<const Vector<T>*>(in)[i];
#pragma unroll
        for (int l = 0; l < kLanes; ++l) {
          x[k][l] = up(v.v[l]);
          most = fmaxf(most, x[k][l]);
        }
      }
      most = over_block<true>(most);
      float sum = 0;
#pragma unroll
      for (int k = 0; k < kMaxHeld; ++k) {
        if ((int)threadIdx.x + k * (int)blockDim.x >= vectors) break;
#pragma unroll
        for (int l = 0; l < kLanes; ++l) sum += x[k][l] = expf(x[k][l] - most);
      }
      const float scale = 1.0f / over_block<false>(sum);
#pragma unroll
      for (int k = 0; k < kMaxHeld; ++k) {
        const int i = threadIdx.x + k * blockDim.x;
        if (i >= vectors) break;
        Vector<T> y;
#pragma unroll
        for (int l = 0; l < kLanes; ++l) y.v[l] = down<T>(x[k][l] * scale);
        reinterpret_cast<Vector<T>*>(out)[i] = y;
      }
      return;
    }
  }
  float most = minus_infinity;
  for (int i = threadIdx.x; i < a.d; i += blockDim.x) most = fmaxf(most, up(in[i]));
  most = over_block<true>(most);
  float sum = 0;
  for (int i = threadIdx.x; i < a.d; i += blockDim.x) sum += expf(up(in[i]) - most);
  const float scale = 1.0f / over_block<false>(sum);
  for (int i = threadIdx.x; i < a.d; i += blockDim.x) out[i] = down<T>(expf(up(in[i]) - most) * scale);
}

constexpr int kClusterBlocks = 8;
constexpr int kLongHeld = 4;  // vectors of 16 bytes that a thread of a long row keeps

/// Long rows: a cluster of eight blocks shares a row, which stays in registers; only a maximum and a sum cross blocks.
template <class T>
__global__ void __cluster_dims__(kClusterBlocks, 1, 1) __launch_bounds__(1024)
    softmax_long(const __grid_constant__ RowArguments<T> a) {
  wait_for_inputs();
  cooperative_groups::cluster_group cluster = cooperative_groups::this_cluster();
  __shared__ float most_here, sum_here;
  const int64_t row = blockIdx.x / kClusterBlocks;
  const T* in = a.in + a.place_in.at(row);
  T* out = a.out + a.place_out.at(row);
  constexpr int kLanes = Vector<T>::kLanes;
  const int vectors = a.d / kLanes, first = cluster.block_rank() * blockDim.x + threadIdx.x;
  float x[kLongHeld][kLanes];
  float most = __int_as_float(0xff800000);
#pragma unroll
  for (int k = 0; k < kLongHeld; ++k) {
    const int i = first + k * kClusterBlocks * (int)blockDim.x;
    if (i >= vectors) break;
    const Vector<T> v = reinterpret_cast<const Vector<T>*>(in)[i];
#pragma unroll
    for (int l = 0; l < kLanes; ++l) {
      x[k][l] = up(v.v[l]);
      most = fmaxf(most, x[k][l]);
    }
  }
  most = over_block<true>(most);
  if (threadIdx.x == 0) most_here = most;
  cluster.sync();
  for (int b = 0; b < kClusterBlocks; ++b) most = fmaxf(most, *cluster.map_shared_rank(&most_here, b));
  float sum = 0;
#pragma unroll
  for (int k = 0; k < kLongHeld; ++k) {
    if (first + k * kClusterBlocks * (int)blockDim.x >= vectors) break;
#pragma unroll
    for (int l = 0; l < kLanes; ++l) sum += x[k][l] = expf(x[k][l] - most);
  }
  sum = over_block<false>(sum);
  if (threadIdx.x == 0) sum_here = sum;
  cluster.sync();
  sum = 0;
  for (int b = 0; b < kClusterBlocks; ++b) sum += *cluster.map_shared_rank(&sum_here, b);
  const float scale = 1.0f / sum;
#pragma unroll
  for (int k = 0; k < kLongHeld; ++k) {
    const int i = first + k * kClusterBlocks * (int)blockDim.x;
    if (i >= vectors) break;
    Vector<T> y;
#pragma unroll
    for (int l = 0; l < kLanes; ++l) y.v[l] = down<T>(x[k][l] * scale);
    reinterpret_cast<Vector<T>*>(out)[i] = y;
  }
  cluster.sync();  // no block leaves while another may still read its shared memory
}

template <class T>
int run_softmax(DLTensor* out, const DLTensor* in, void* stream) {
  const int64_t rows = rows_of(out), d = out->shape[out->ndim - 1];
  if (rows == 0 || d == 0) return 0;
  constexpr int kLanes = Vector<T>::kLanes;
  const RowArguments<T> a = {first<T>(out), first<T>(in), place_of(out), place_of(in), rows, static_cast<int>(d)};
  const bool vectors = wide(out, a.out, kLanes) && wide(in, a.in, kLanes);
  const int64_t count = d / kLanes;
  if (vectors && rows <= 128 && count > 1024 && count <= kLongHeld * kClusterBlocks * 1024)
    return launch(&softmax_long<T>, a, rows * kClusterBlocks,
                  threads_for(d / kClusterBlocks, kLanes * kLongHeld / 2, 1), stream);
  return launch(vectors ? &softmax_kernel<T, true> : &softmax_kernel<T, false>, a, rows,
                vectors ? threads_for(d, kLanes, rows) : threads_for(d, 4, 1), stream);
}

}  // namespace

EXPORT int softmax(DLTensor* out, const DLTensor* input, void* stream) {
  return for_type(out, [&]<class T>(T*) { return run_softmax<T>(out, input, stream); });
}
