// Tuned rms_norm, fused_add_rms_norm and layer_norm. One block works on a row whose elements stay in registers between
// the two passes; short rows share a block; rows too long for registers are read twice.
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

enum { kRms, kFusedRms, kLayer };

template <class T>
struct NormArguments {
  T* out;
  T* in;  // fused: also written
  T* residual;
  const T* weight;
  const T* bias;
  Place place_out, place_in, place_residual;
  int d;
  float epsilon;
};

/// kHeld: vectors of 16 bytes that a thread keeps. Few rows want the weight asked for before the sum is known, so that
/// both waits are one; many rows want registers left for more blocks.
template <class T, int kKind, bool kWide, int kHeld>
__global__ void __launch_bounds__(kHeld == kMaxHeld ? 1024 : 256, kHeld == kMaxHeld ? 1 : 6)
    norm(const __grid_constant__ NormArguments<T> a) {
  wait_for_inputs();
  const int64_t row = blockIdx.x;
  const T* in = a.in + a.place_in.at(row);
  T* out = a.out + a.place_out.at(row);
  T* residual = kKind == kFusedRms ? a.residual + a.place_residual.at(row) : nullptr;
  constexpr int kLanes = Vector<T>::kLanes;
  if constexpr (kWide) {
    const int vectors = a.d / kLanes;
    if (vectors <= kHeld * (int)blockDim.x) {
      float x[kHeld][kLanes];
      Vector<T> w[kHeld];
      float sum = 0;
#pragma unroll
      for (int k = 0; k < kHeld; ++k) {
        const int i = threadIdx.x + k * blockDim.x;
        if (i >= vectors) break;
        const Vector<T> v = reinterpret_cast<const Vector<T>*>(in)[i];
        if constexpr (kHeld == kMaxHeld) w[k] = reinterpret_cast<const Vector<T>*>(a.weight)[i];
        if constexpr (kKind == kFusedRms) {
          Vector<T> r = reinterpret_cast<Vector<T>*>(residual)[i];
#pragma unroll
          for (int l = 0; l < kLanes; ++l) {
            r.v[l] = down<T>(up(v.v[l]) + up(r.v[l]));
            x[k][l] = up(r.v[l]);
          }
          reinterpret_cast<Vector<T>*>(residual)[i] = r;
        } else {
#pragma unroll
          for (int l = 0; l < kLanes; ++l) x[k][l] = up(v.v[l]);
        }
#pragma unroll
        for (int l = 0; l < kLanes; ++l) sum += kKind == kLayer ? x[k][l] : x[k][l] * x[k][l];
      }
      sum = over_block<false>(sum);
      float mean = 0;
      if constexpr (kKind == kLayer) {
        mean = sum / a.d;
        sum = 0;
#pragma unroll
        for (int k = 0; k < kHeld; ++k) {
          if ((int)threadIdx.x + k * (int)blockDim.x >= vectors) break;
#pragma unroll
          for (int l = 0; l < kLanes; ++l) sum += (x[k][l] - mean) * (x[k][l] - mean);
        }
        sum = over_block<false>(sum);
      }
      const float scale = rsqrtf(sum / a.d + a.epsilon);
#pragma unroll
      for (int k = 0; k < kHeld; ++k) {
        const int i = threadIdx.x + k * blockDim.x;
        if (i >= vectors) break;
        if constexpr (kHeld != kMaxHeld) w[k] = reinterpret_cast<const Vector<T>*>(a.weight)[i];
        Vector<T> y;
#pragma unroll
        for (int l = 0; l < kLanes; ++l) {
          float value = (x[k][l] - mean) * scale * up(w[k].v[l]);
          if (kKind == kLayer && a.bias != nullptr) value += up(a.bias[i * kLanes + l]);
          y.v[l] = down<T>(value);
        }
        reinterpret_cast<Vector<T>*>(out)[i] = y;
      }
      return;
    }
  }
  float sum = 0;
  for (int i = threadIdx.x; i < a.d; i += blockDim.x) {
    float v = up(in[i]);
    if constexpr (kKind == kFusedRms) {
      residual[i] = down<T>(v + up(residual[i]));
      v = up(residual[i]);
    }
    sum += kKind == kLayer ? v : v * v;
  }
  sum = over_block<false>(sum);
  float mean = 0;
  const T* from = kKind == kFusedRms ? residual : in;
  if constexpr (kKind == kLayer) {
    mean = sum / a.d;
    sum = 0;
    for (int i = threadIdx.x; i < a.d; i += blockDim.x) sum += (up(from[i]) - mean) * (up(from[i]) - mean);
    sum = over_block<false>(sum);
  }
  const float scale = rsqrtf(sum / a.d + a.epsilon);
  for (int i = threadIdx.x; i < a.d; i += blockDim.x) {
    float value = (up(from[i]) - mean) * scale * up(a.weight[i]);
    if (kKind == kLayer && a.bias != nullptr) value += up(a.bias[i]);
    out[i] = down<T>(value);
  }
}

constexpr int kShortVectors = 2;  // vectors of 16 bytes that a lane of a short row keeps

/// Short rows: kGroup lanes work on a row, many rows share a block, and nothing waits at a barrier.
template <class T, int kKind, int kGroup>
__global__ void __launch_bounds__(256) norm_short(const __grid_constant__ NormArguments<T> a, int64_t rows) {
  wait_for_inputs();
  const int64_t row = blockIdx.x * (int64_t)(256 / kGroup) + threadIdx.x / kGroup;
  const bool mine = row < rows;
  const int lane = threadIdx.x % kGroup;
  constexpr int kLanes = Vector<T>::kLanes;
  const int vectors = a.d / kLanes;
  const T* in = a.in + (mine ? a.place_in.at(row) : 0);
  T* residual = kKind == kFusedRms && mine ? a.residual + a.place_residual.at(row) : nullptr;
  float x[kShortVectors][kLanes] = {};
  float sum = 0;
#pragma unroll
  for (int k = 0; k < kShortVectors; ++k) {
    const int i = lane + k * kGroup;
    if (!mine || i >= vectors) break;
    const Vector<T> v = reinterpret_cast<const Vector<T>*>(in)[i];
    Vector<T> r = {};
    if constexpr (kKind == kFusedRms) r = reinterpret_cast<Vector<T>*>(residual)[i];
#pragma unroll
    for (int l = 0; l < kLanes; ++l) {
      if constexpr (kKind == kFusedRms) {
        r.v[l] = down<T>(up(v.v[l]) + up(r.v[l]));
        x[k][l] = up(r.v[l]);
      } else {
        x[k][l] = up(v.v[l]);
      }
      sum += kKind == kLayer ? x[k][l] : x[k][l] * x[k][l];
    }
    if constexpr (kKind == kFusedRms) reinterpret_cast<Vector<T>*>(residual)[i] = r;
  }
  sum = over_group<false, kGroup>(sum);
  float mean = 0;
  if constexpr (kKind == kLayer) {
    mean = sum / a.d;
    sum = 0;
#pragma unroll
    for (int k = 0; k < kShortVectors; ++k) {
      if (lane + k * kGroup >= vectors) break;
#pragma unroll
      for (int l = 0; l < kLanes; ++l) sum += (x[k][l] - mean) * (x[k][l] - mean);
    }
    sum = over_group<false, kGroup>(sum);
  }
  if (!mine) return;
  const float scale = rsqrtf(sum / a.d + a.epsilon);
  T* out = a.out + a.place_out.at(row);
#pragma unroll
  for (int k = 0; k < kShortVectors; ++k) {
    const int i = lane + k * kGroup;
    if (i >= vectors) break;
    const Vector<T> w = reinterpret_cast<const Vector<T>*>(a.weight)[i];
    Vector<T> y;
#pragma unroll
    for (int l = 0; l < kLanes; ++l) {
      float value = (x[k][l] - mean) * scale * up(w.v[l]);
      if (kKind == kLayer && a.bias != nullptr) value += up(a.bias[i * kLanes + l]);
      y.v[l] = down<T>(value);
    }
    reinterpret_cast<Vector<T>*>(out)[i] = y;
  }
}

template <class T, int kKind>
int run_norm(DLTensor* out, DLTensor* in, DLTensor* residual, const DLTensor* weight, const DLTensor* bias,
             double epsilon, void* stream) {
  const int64_t rows = rows_of(in), d = in->shape[in->ndim - 1];
  if (rows == 0 || d == 0) return 0;
  constexpr int kLanes = Vector<T>::kLanes;
  NormArguments<T> a = {};
  a.out = first<T>(out);
  a.in = first<T>(in);
  a.residual = residual != nullptr ? first<T>(residual) : nullptr;
  a.weight = first<T>(weight);
  a.bias = bias != nullptr ? first<T>(bias) : nullptr;
  a.place_out = place_of(out);
  a.place_in = place_of(in);
  if (residual != nullptr) a.place_residual = place_of(residual);
  a.d = static_cast<int>(d);
  a.epsilon = static_cast<float>(epsilon);
  const bool vectors = wide(out, a.out, kLanes) && wide(in, a.in, kLanes) && wide(weight, a.weight, kLanes) &&
                       (residual == nullptr || wide(residual, a.residual, kLanes));
  if (vectors && rows >= 64 && d / kLanes <= 32 * kShortVectors) {
    const bool half = d / kLanes <= 16;
    const int64_t per_block = half ? 16 : 8;
    cudaLaunchConfig_t config = {};
    cudaLaunchAttribute programmatic = {};
    configure(config, programmatic, (rows + per_block - 1) / per_block, 256, stream);
    return static_cast<int>(half ? cudaLaunchKernelEx(&config, &norm_short<T, kKind, 16>, a, rows)
                                 : cudaLaunchKernelEx(&config, &norm_short<T, kKind, 32>, a, rows));
  }
  if (vectors && rows > 264 && d / kLanes <= 512)
    return launch(&norm<T, kKind, true, 2>, a, rows, threads_for(d, kLanes, rows), stream);
  return launch(vectors ? &norm<T, kKind, true, kMaxHeld> : &norm<T, kKind, false, kMaxHeld>, a, rows,
                vectors ? threads_for(d, kLanes, rows) : threads_for(d, 4, 1), stream);
}

}  // namespace

EXPORT int rms_norm(DLTensor* out, const DLTensor* input, const DLTensor* weight, double epsilon, void* stream) {
  return for_type(out, [&]<class T>(T*) {
    return run_norm<T, kRms>(out, const_cast<DLTensor*>(input), nullptr, weight, nullptr, epsilon, stream);
  });
}
