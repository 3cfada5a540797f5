// Products in-tree, for what a library leaves: a few rows times a linear layer's weight at the memory's speed, and a
// plain tiled product for any strides. cuBLASLt (cublaslt/gemm.cpp) serves the large ones.
#include <crucible/kernel.h>
#include <cuda_bf16.h>
#include <cuda_fp16.h>
#include <cuda_runtime.h>
#include <stdint.h>

namespace {

constexpr int kMaxHeld = 4;  // vectors of 16 bytes that a thread keeps

template <class T>
struct alignas(16) Vector {
  static constexpr int kLanes = 16 / sizeof(T);
  T v[kLanes];
};

__device__ __forceinline__ float up(float x) { return x; }
__device__ __forceinline__ float up(__half x) { return __half2float(x); }
__device__ __forceinline__ float up(__nv_bfloat16 x) { return __bfloat162float(x); }
template <class T>
__device__ __forceinline__ T down(float x);
template <>
__device__ __forceinline__ float down<float>(float x) {
  return x;
}
template <>
__device__ __forceinline__ __half down<__half>(float x) {
  return __float2half_rn(x);
}
template <>
__device__ __forceinline__ __nv_bfloat16 down<__nv_bfloat16>(float x) {
  return __float2bfloat16_rn(x);
}

__device__ __forceinline__ void wait_for_inputs() {
  asm volatile("griddepcontrol.launch_dependents;");
  asm volatile("griddepcontrol.wait;" ::: "memory");
}

template <bool kMaximum>
__device__ __forceinline__ float over_block(float v) {
  __shared__ float partial[32];
  for (int lane = 16; lane > 0; lane /= 2) {
    const float other = __shfl_xor_sync(~0u, v, lane);
    v = kMaximum ? fmaxf(v, other) : v + other;
  }
  if (blockDim.x == 32) return v;
  if (threadIdx.x % 32 == 0) partial[threadIdx.x / 32] = v;
  __syncthreads();
  v = partial[0];
  for (int w = 1; w < (int)blockDim.x / 32; ++w) v = kMaximum ? fmaxf(v, partial[w]) : v + partial[w];
  __syncthreads();
  return v;
}

/// Where the rows of a tensor of one to three dimensions lie.
struct Place {
  int64_t inner;         // rows per outer index
  int64_t outer_stride;  // elements
  int64_t inner_stride;
  __host__ __device__ int64_t at(int64_t row) const {
    // A division of 64 bits costs more than the rest of a short row's address.
    if (outer_stride == 0) return row * inner_stride;
    const uint32_t r = (uint32_t)row, n = (uint32_t)inner;
    return (int64_t)(r / n) * outer_stride + (int64_t)(r % n) * inner_stride;
  }
};

/// Sum or maximum over kGroup adjacent lanes.
template <bool kMaximum, int kGroup>
__device__ __forceinline__ float over_group(float v) {
#pragma unroll
  for (int lane = kGroup / 2; lane > 0; lane /= 2) {
    const float other = __shfl_xor_sync(~0u, v, lane);
    v = kMaximum ? fmaxf(v, other) : v + other;
  }
  return v;
}

template <class T>
struct RowArguments {
  T* out;
  const T* in;
  Place place_out, place_in;
  int64_t rows;
  int d;
};

template <class T>
T* first(const DLTensor* t) {
  return reinterpret_cast<T*>(static_cast<char*>(t->data) + t->byte_offset);
}

int64_t rows_of(const DLTensor* t) {
  int64_t rows = 1;
  for (int i = 0; i + 1 < t->ndim; ++i) rows *= t->shape[i];
  return rows;
}

Place place_of(const DLTensor* t) {
  if (t->ndim == 3) return {t->shape[1] == 0 ? 1 : t->shape[1], t->strides[0], t->strides[1]};
  if (t->ndim == 2) return {INT64_MAX, 0, t->strides[0]};
  return {INT64_MAX, 0, 0};
}

bool wide(const DLTensor* t, const void* data, int lanes) {
  if (data != nullptr && reinterpret_cast<uintptr_t>(data) % 16 != 0) return false;
  for (int i = 0; i + 1 < t->ndim; ++i)
    if (t->strides[i] % lanes != 0) return false;
  return t->shape[t->ndim - 1] % lanes == 0;
}

void configure(cudaLaunchConfig_t& config, cudaLaunchAttribute& programmatic, int64_t blocks, int threads,
               void* stream) {
  config.gridDim = dim3(static_cast<unsigned>(blocks));
  config.blockDim = dim3(static_cast<unsigned>(threads));
  config.stream = static_cast<cudaStream_t>(stream);
  programmatic.id = cudaLaunchAttributeProgrammaticStreamSerialization;
  programmatic.val.programmaticStreamSerializationAllowed = 1;
  config.attrs = &programmatic;
  config.numAttrs = 1;
}

template <class Arguments>
int launch(void (*kernel)(Arguments), const Arguments& arguments, int64_t blocks, int threads, void* stream) {
  cudaLaunchConfig_t config = {};
  cudaLaunchAttribute programmatic = {};
  configure(config, programmatic, blocks, threads, stream);
  return static_cast<int>(cudaLaunchKernelEx(&config, kernel, arguments));
}

/// Threads for a row of d elements. A few rows want as many threads as the row has vectors; where there are more rows
/// than the device holds blocks, small blocks whose threads each keep several vectors in flight stream better.
int threads_for(int64_t d, int lanes, int64_t rows) {
  const int64_t vectors = d / lanes;
  const int64_t share = rows <= 264 ? 1 : vectors <= 512 ? 2 : kMaxHeld;
  const int64_t wanted = ((vectors + share - 1) / share + 31) / 32 * 32;
  return static_cast<int>(wanted < 32 ? 32 : wanted > 1024 ? 1024 : wanted);
}

/// Calls `f` with a null pointer of the tensor's element type.
template <class F>
int for_type(const DLTensor* t, F f) {
  if (t->dtype.code == 2 && t->dtype.bits == 32) return f(static_cast<float*>(nullptr));
  if (t->dtype.code == 2 && t->dtype.bits == 16) return f(static_cast<__half*>(nullptr));
  if (t->dtype.code == 4 && t->dtype.bits == 16) return f(static_cast<__nv_bfloat16*>(nullptr));
  return 1;
}

}  // namespace

#define EXPORT extern "C" __attribute__((visibility("default")))

namespace {

template <class T>
struct GemmArguments {
  T* out;
  const T *a, *b, *bias;
  int64_t a_stride[2], b_stride[2];
  int64_t m, n, k;
  bool gelu;
};

template <class T>
__device__ __forceinline__ void finish(const GemmArguments<T>& a, int64_t m, int64_t n, float z) {
  if (a.bias != nullptr) z += up(a.bias[n]);
  // (1 + tanh y) / 2 is 1 / (1 + exp(-2y)), without its cancellation.
  if (a.gelu) z = z / (1.0f + expf(-1.5957691216f * (z + 0.044715f * z * z * z)));
  a.out[m * a.n + n] = down<T>(z);
}

/// Up to kRows rows of a; a warp computes kColumns columns, whose weights it streams in vectors of 16 bytes.
template <class T, int kRows, int kColumns>
__global__ void __launch_bounds__(128) few_rows(const __grid_constant__ GemmArguments<T> a) {
  wait_for_inputs();
  constexpr int kLanes = Vector<T>::kLanes;
  const int lane = threadIdx.x % 32;
  const int64_t n = (((int64_t)blockIdx.x * blockDim.x + threadIdx.x) / 32) * kColumns;
  if (n >= a.n) return;
  float sum[kRows][kColumns] = {};
#pragma unroll 2
  for (int64_t k = (int64_t)lane * kLanes; k < a.k; k += 32 * kLanes) {
    Vector<T> w[kColumns];
#pragma unroll
    for (int c = 0; c < kColumns; ++c)
      w[c] = *reinterpret_cast<const Vector<T>*>(a.b + (n + c < a.n ? n + c : n) * a.b_stride[1] + k);
#pragma unroll
    for (int m = 0; m < kRows; ++m) {
      if (m >= a.m) break;
      const Vector<T> x = *reinterpret_cast<const Vector<T>*>(a.a + m * a.a_stride[0] + k);
#pragma unroll
      for (int l = 0; l < kLanes; ++l) {
        const float value = up(x.v[l]);
#pragma unroll
        for (int c = 0; c < kColumns; ++c) sum[m][c] += value * up(w[c].v[l]);
      }
    }
  }
#pragma unroll
  for (int m = 0; m < kRows; ++m)
#pragma unroll
    for (int c = 0; c < kColumns; ++c) {
      const float z = over_group<false, 32>(sum[m][c]);
      if (lane == 0 && m < a.m && n + c < a.n) finish(a, m, n + c, z);
    }
}

constexpr int kTile = 64, kDepth = 16, kBlockOfSums = 256;

/// Any strides: tiles of 64 × 64, 4 × 4 elements a thread. Sums over 256 terms are added up, as blocked sums are.
template <class T>
__global__ void __launch_bounds__(256) tiled(const __grid_constant__ GemmArguments<T> a) {
  wait_for_inputs();
  __shared__ float left[kDepth][kTile + 1], right[kDepth][kTile + 1];
  const int64_t m0 = (int64_t)blockIdx.y * kTile, n0 = (int64_t)blockIdx.x * kTile;
  const int row = threadIdx.x / 16 * 4, column = threadIdx.x % 16 * 4;
  float total[4][4] = {}, sum[4][4] = {};
  for (int64_t k0 = 0; k0 < a.k; k0 += kDepth) {
    for (int i = threadIdx.x; i < kTile * kDepth; i += 256) {
      const int64_t k = k0 + i % kDepth, m = m0 + i / kDepth;
      left[i % kDepth][i / kDepth] = m < a.m && k < a.k ? up(a.a[m * a.a_stride[0] + k * a.a_stride[1]]) : 0;
    }
    for (int i = threadIdx.x; i < kTile * kDepth; i += 256) {
      // Neighbouring threads read along the axis that is adjacent in memory.
      const int deep = a.b_stride[0] == 1 ? i % kDepth : i / kTile, wide = a.b_stride[0] == 1 ? i / kDepth : i % kTile;
      const int64_t k = k0 + deep, n = n0 + wide;
      right[deep][wide] = n < a.n && k < a.k ? up(a.b[k * a.b_stride[0] + n * a.b_stride[1]]) : 0;
    }
    __syncthreads();
#pragma unroll
    for (int k = 0; k < kDepth; ++k)
#pragma unroll
      for (int i = 0; i < 4; ++i)
#pragma unroll
        for (int j = 0; j < 4; ++j) sum[i][j] += left[k][row + i] * right[k][column + j];
    if ((k0 + kDepth) % kBlockOfSums == 0)
#pragma unroll
      for (int i = 0; i < 4; ++i)
#pragma unroll
        for (int j = 0; j < 4; ++j) {
          total[i][j] += sum[i][j];
          sum[i][j] = 0;
        }
    __syncthreads();
  }
  for (int i = 0; i < 4; ++i)
    for (int j = 0; j < 4; ++j)
      if (m0 + row + i < a.m && n0 + column + j < a.n)
        finish(a, m0 + row + i, n0 + column + j, total[i][j] + sum[i][j]);
}

template <class T>
int run_gemm(DLTensor* out, const DLTensor* a, const DLTensor* b, const DLTensor* bias, bool gelu, void* stream) {
  GemmArguments<T> g = {};
  g.m = out->shape[0];
  g.n = out->shape[1];
  g.k = a->shape[1];
  if (g.m == 0 || g.n == 0) return 0;
  g.out = first<T>(out);
  g.a = first<const T>(a);
  g.b = first<const T>(b);
  g.bias = bias != nullptr ? first<const T>(bias) : nullptr;
  for (int i = 0; i < 2; ++i) {
    g.a_stride[i] = a->strides[i];
    g.b_stride[i] = b->strides[i];
  }
  g.gelu = gelu;
  constexpr int kLanes = Vector<T>::kLanes;
  const bool streams = g.b_stride[0] == 1 && g.b_stride[1] % kLanes == 0 && g.k % kLanes == 0 && g.k > 0 &&
                       (g.m == 1 || g.a_stride[0] % kLanes == 0) && reinterpret_cast<uintptr_t>(g.a) % 16 == 0 &&
                       reinterpret_cast<uintptr_t>(g.b) % 16 == 0;
  const auto start = [&](auto* kernel, int columns) {
    const int64_t warps = (g.n + columns - 1) / columns;
    return launch(kernel, g, (warps + 3) / 4, 128, stream);
  };
  if (streams && g.m == 1) return start(&few_rows<T, 1, 2>, 2);
  if (streams && g.m <= 4) return start(&few_rows<T, 4, 2>, 2);
  if (streams && g.m <= 16) return start(&few_rows<T, 16, 4>, 4);
  cudaLaunchConfig_t config = {};
  cudaLaunchAttribute programmatic = {};
  configure(config, programmatic, (g.n + kTile - 1) / kTile, 256, stream);
  config.gridDim.y = static_cast<unsigned>((g.m + kTile - 1) / kTile);
  return static_cast<int>(cudaLaunchKernelEx(&config, &tiled<T>, g));
}

}  // namespace

EXPORT int gemm(DLTensor* out, const DLTensor* a, const DLTensor* b, const DLTensor* bias, void* stream) {
  return for_type(out, [&]<class T>(T*) { return run_gemm<T>(out, a, b, bias, false, stream); });
}
