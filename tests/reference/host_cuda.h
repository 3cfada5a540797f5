// As much of CUDA's language as plain kernels use, on one host thread: every thread of a block is a fiber, and blocks
// run one after the other. For tests of kernels' arithmetic and addressing where no GPU is. Not for speed, and blind to
// races between blocks. Prepended to a kernel's text, whose `kernel<<<…>>>(…)` reads `crucible_launch(kernel, …)(…)`
// then.
#pragma once

#include <ucontext.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#define __global__
#define __device__
#define __host__
#define __shared__ static
#define __forceinline__ inline
#define __grid_constant__
#define __launch_bounds__(...)

struct dim3 {
  unsigned x = 1, y = 1, z = 1;
  dim3(unsigned a = 1, unsigned b = 1, unsigned c = 1) : x(a), y(b), z(c) {}
};
struct alignas(16) uint4 {
  unsigned x, y, z, w;
};
struct alignas(16) int4 {
  int x, y, z, w;
};
struct alignas(8) uint2 {
  unsigned x, y;
};
using cudaStream_t = void*;
using cudaError_t = int;
inline constexpr int cudaSuccess = 0;
inline int cudaGetLastError() { return 0; }
inline int cudaMalloc(void** at, std::size_t bytes) { return (*at = std::malloc(bytes)) == nullptr; }

struct __half {
  _Float16 value;
};
struct __nv_bfloat16 {
  std::uint16_t bits;
};
inline float __half2float(__half h) { return static_cast<float>(h.value); }
inline __half __float2half_rn(float f) { return {static_cast<_Float16>(f)}; }
inline float __bfloat162float(__nv_bfloat16 b) {
  const std::uint32_t bits = std::uint32_t{b.bits} << 16;
  float f;
  std::memcpy(&f, &bits, 4);
  return f;
}
inline __nv_bfloat16 __float2bfloat16_rn(float f) {
  std::uint32_t bits;
  std::memcpy(&bits, &f, 4);
  if ((bits & 0x7fffffffu) > 0x7f800000u) return {static_cast<std::uint16_t>(bits >> 16 | 0x40u)};
  return {static_cast<std::uint16_t>((bits + 0x7fffu + (bits >> 16 & 1u)) >> 16)};
}
using __nv_fp8_storage_t = unsigned char;
inline constexpr int __NV_SATFINITE = 1, __NV_E4M3 = 0;
inline unsigned char __nv_cvt_float_to_fp8(float f, int, int) {
  const float size = std::fmin(std::fabs(f), 448.0f);
  const int exponent = size < 0x1p-6f ? -6 : std::ilogb(size);
  const int steps = static_cast<int>(std::nearbyint(std::ldexp(size, 3 - exponent)));  // 8 to 16, below 8 subnormal
  const int code = exponent == -6 ? steps : (exponent + 7) * 8 + steps - 8;
  return static_cast<unsigned char>(code | (std::signbit(f) ? 0x80 : 0));
}
inline float rsqrtf(float x) { return 1.0f / std::sqrt(x); }
inline float __int_as_float(int bits) {
  float f;
  std::memcpy(&f, &bits, 4);
  return f;
}
inline float __uint_as_float(unsigned bits) { return __int_as_float(static_cast<int>(bits)); }
inline unsigned __float_as_uint(float f) {
  unsigned bits;
  std::memcpy(&bits, &f, 4);
  return bits;
}
using std::isinf;
using std::isnan;
using std::max;
using std::min;
inline std::int64_t min(std::int64_t a, int b) { return std::min<std::int64_t>(a, b); }

namespace crucible_host {

struct Fiber {
  ucontext_t context;
  std::vector<char> stack;
  bool done = false;
  std::uint64_t exchanged = 0;
  std::map<unsigned, unsigned> rounds;  ///< by mask: how many barriers of that group it has reached
};

struct Block {
  std::vector<std::unique_ptr<Fiber>> fibers;
  ucontext_t scheduler;
  unsigned current = 0;
  std::function<void()> body;
};
inline Block* block = nullptr;

inline void yield() { swapcontext(&block->fibers[block->current]->context, &block->scheduler); }
inline void enter() {
  block->body();
  block->fibers[block->current]->done = true;
  yield();
}

}  // namespace crucible_host

inline dim3 blockIdx, blockDim, gridDim;
struct CrucibleThreadIndex {
  struct Axis {
    operator unsigned() const { return crucible_host::block->current; }
  } x;
} inline threadIdx;

namespace crucible_host {

/// Waits until every live fiber of [first, first + 32) ∩ mask (mask 0: of the block) has come as often.
inline void meet(unsigned mask) {
  Fiber& me = *block->fibers[block->current];
  const unsigned round = ++me.rounds[mask], first = mask == 0 ? 0 : block->current / 32 * 32;
  const std::size_t end = mask == 0 ? block->fibers.size() : std::min<std::size_t>(first + 32, block->fibers.size());
  for (bool all = false; !all;) {
    all = true;
    for (std::size_t i = first; i < end; ++i) {
      if (mask != 0 && (mask >> (i - first) & 1u) == 0) continue;
      Fiber& other = *block->fibers[i];
      all = all && (other.done || other.rounds[mask] >= round);
    }
    if (!all) yield();
  }
}

template <class T>
T exchange(unsigned mask, T mine, unsigned from) {
  Fiber& me = *block->fibers[block->current];
  std::memcpy(&me.exchanged, &mine, sizeof mine);
  meet(mask);
  const std::size_t at = block->current / 32 * 32 + from;
  T theirs = mine;
  if (from < 32 && at < block->fibers.size()) std::memcpy(&theirs, &block->fibers[at]->exchanged, sizeof theirs);
  meet(mask);
  return theirs;
}

template <class T, class Join>
T reduce(unsigned mask, T mine, Join join) {
  T all = mine;
  for (unsigned lane = 0; lane < 32; ++lane)
    if (mask >> lane & 1u) all = join(all, exchange(mask, mine, lane));
  return all;
}

template <class Kernel, class... Arguments>
void run(dim3 grid, unsigned threads, Kernel kernel, Arguments... arguments) {
  constexpr std::size_t kStack = 64 << 10;
  Block here;
  block = &here;
  gridDim = grid;
  blockDim = dim3(threads);
  for (blockIdx.y = 0; blockIdx.y < grid.y; ++blockIdx.y)
    for (blockIdx.x = 0; blockIdx.x < grid.x; ++blockIdx.x) {
      here.body = [&] { kernel(arguments...); };
      here.fibers.resize(threads);
      for (auto& fiber : here.fibers) {
        if (!fiber) fiber = std::make_unique<Fiber>();
        if (fiber->stack.empty()) fiber->stack.resize(kStack);
        fiber->done = false;
        fiber->rounds.clear();
        getcontext(&fiber->context);
        fiber->context.uc_stack.ss_sp = fiber->stack.data();
        fiber->context.uc_stack.ss_size = kStack;
        fiber->context.uc_link = nullptr;
        makecontext(&fiber->context, enter, 0);
      }
      for (bool any = true; any;) {
        any = false;
        for (unsigned i = 0; i < threads; ++i) {
          if (here.fibers[i]->done) continue;
          here.current = i;
          swapcontext(&here.scheduler, &here.fibers[i]->context);
          any = true;
        }
      }
    }
  block = nullptr;
}

}  // namespace crucible_host

inline void __syncthreads() { crucible_host::meet(0); }
inline void __syncwarp(unsigned mask = ~0u) { crucible_host::meet(mask); }
template <class T>
T __shfl_xor_sync(unsigned mask, T value, int lanes) {
  return crucible_host::exchange(mask, value, (threadIdx.x % 32) ^ static_cast<unsigned>(lanes));
}
template <class T>
T __shfl_up_sync(unsigned mask, T value, unsigned lanes) {
  const unsigned lane = threadIdx.x % 32;
  return crucible_host::exchange(mask, value, lane >= lanes ? lane - lanes : lane);
}
inline unsigned __reduce_max_sync(unsigned mask, unsigned value) {
  return crucible_host::reduce(mask, value, [](unsigned a, unsigned b) { return std::max(a, b); });
}
inline unsigned __reduce_min_sync(unsigned mask, unsigned value) {
  return crucible_host::reduce(mask, value, [](unsigned a, unsigned b) { return std::min(a, b); });
}
template <class T>
T atomicAdd(T* at, T value) {
  return std::exchange(*at, *at + value);
}

template <class Kernel>
auto crucible_launch(Kernel kernel, dim3 grid, unsigned threads, unsigned = 0, cudaStream_t = nullptr) {
  return [=](auto... arguments) { crucible_host::run(grid, threads, kernel, arguments...); };
}

struct cudaLaunchAttribute {
  int id;
  struct {
    int programmaticStreamSerializationAllowed;
  } val;
};
inline constexpr int cudaLaunchAttributeProgrammaticStreamSerialization = 6;
struct cudaLaunchConfig_t {
  dim3 gridDim, blockDim;
  std::size_t dynamicSmemBytes;
  cudaStream_t stream;
  cudaLaunchAttribute* attrs;
  unsigned numAttrs;
};
template <class... Parameters, class... Arguments>
int cudaLaunchKernelEx(const cudaLaunchConfig_t* config, void (*kernel)(Parameters...), Arguments... arguments) {
  crucible_host::run(config->gridDim, config->blockDim.x, kernel, static_cast<Parameters>(arguments)...);
  return 0;
}
