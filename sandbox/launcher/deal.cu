// The trusted device code of a chain. A deal triggers its dependents at its start, so that a kernel with programmatic
// dependent launch keeps the credit for its prologue, and one without a wait reads sealed data.

#include "sandbox/launcher/deal.h"

namespace {

__device__ __forceinline__ uint64_t this_thread() { return (uint64_t)blockIdx.x * blockDim.x + threadIdx.x; }
__device__ __forceinline__ uint64_t all_threads() { return (uint64_t)gridDim.x * blockDim.x; }

__device__ __forceinline__ uint4 opened(uint4 v, uint64_t key, uint64_t index) {
  const uint64_t a = crucible_stream(key, 2 * index), b = crucible_stream(key, 2 * index + 1);
  return make_uint4(v.x ^ (uint32_t)a, v.y ^ (uint32_t)(a >> 32), v.z ^ (uint32_t)b, v.w ^ (uint32_t)(b >> 32));
}

/// Key-stream index of region r's first 16 bytes: regions never share a part of the stream.
__device__ __forceinline__ uint64_t region_start(uint32_t r) { return (uint64_t)(r + 1) << 40; }

}  // namespace

extern "C" __global__ void __launch_bounds__(512) crucible_deal_full(const __grid_constant__ CrucibleDeal deal) {
  asm volatile("griddepcontrol.launch_dependents;");
  // Collecting and revealing index a storage alike, so of an inout storage the same thread saves element i and then
  // overwrites it.
  for (uint32_t r = 0; r < deal.outputs; ++r) {
    const CrucibleDealt& out = deal.output[r];
    const uint4 poison = make_uint4((uint32_t)deal.poison, (uint32_t)(deal.poison >> 32), (uint32_t)deal.poison,
                                    (uint32_t)(deal.poison >> 32));
    uint4* live = (uint4*)out.live;
    uint4* kept = (uint4*)out.hidden;
    for (uint64_t i = this_thread(); i < out.width / 16; i += all_threads()) {
      __stcs(&kept[i], live[i]);
      if (out.poison) live[i] = poison;
    }
    for (uint64_t i = out.width / 16 * 16 + this_thread(); i < out.width; i += all_threads()) {
      ((unsigned char*)kept)[i] = ((unsigned char*)live)[i];
      if (out.poison) ((unsigned char*)live)[i] = (unsigned char)(deal.poison >> (i % 8 * 8));
    }
  }
  for (uint32_t r = 0; r < deal.inputs; ++r) {
    const CrucibleDealt& in = deal.input[r];
    const uint4* sealed = (const uint4*)in.hidden;
    uint4* live = (uint4*)in.live;
    for (uint64_t i = this_thread(); i < in.width / 16; i += all_threads())
      live[i] = opened(__ldcs(&sealed[i]), deal.key, region_start(r) + i);
    for (uint64_t i = in.width / 16 * 16 + this_thread(); i < in.width; i += all_threads())
      ((unsigned char*)live)[i] =
          ((const unsigned char*)sealed)[i] ^ (unsigned char)crucible_stream(deal.key, region_start(r) * 2 + i);
  }
}

extern "C" __global__ void __launch_bounds__(256) crucible_deal_light(const __grid_constant__ CrucibleDeal deal) {
  asm volatile("griddepcontrol.launch_dependents;");
  for (uint32_t r = 0; r < deal.outputs; ++r) {
    const CrucibleDealt& out = deal.output[r];
    const uint64_t column = crucible_column(deal.previous_key, 0x100 + r, out.width);
    for (uint64_t i = this_thread(); i < out.rows; i += all_threads())
      __stcs((uint4*)out.hidden + i, *(const uint4*)(out.live + i * out.pitch + column));
  }
  for (uint32_t r = 0; r < deal.inputs; ++r) {
    const CrucibleDealt& in = deal.input[r];
    const uint64_t column = crucible_column(deal.key, r, in.width);
    for (uint64_t i = this_thread(); i < in.rows; i += all_threads())
      *(uint4*)(in.live + i * in.pitch + column) =
          opened(__ldcs((const uint4*)in.hidden + i), deal.key, region_start(r) + i);
  }
}

/// Seals: the inverse of opening, run by the judge over what it dealt. `source` may equal the sealed place.
extern "C" __global__ void __launch_bounds__(512)
    crucible_seal(const uint4* source, uint4* sealed, uint64_t bytes, uint64_t key, uint32_t region) {
  for (uint64_t i = this_thread(); i < bytes / 16; i += all_threads())
    sealed[i] = opened(source[i], key, region_start(region) + i);
  for (uint64_t i = bytes / 16 * 16 + this_thread(); i < bytes; i += all_threads())
    ((unsigned char*)sealed)[i] =
        ((const unsigned char*)source)[i] ^ (unsigned char)crucible_stream(key, region_start(region) * 2 + i);
}

/// Seals 16 bytes of every row in place (light deals): they go, encrypted, to `sealed`, and `decoy` takes their place.
extern "C" __global__ void __launch_bounds__(256)
    crucible_seal_rows(char* live, uint64_t pitch, uint64_t width, uint32_t rows, uint4* sealed, uint64_t key,
                       uint32_t region, uint4 decoy) {
  const uint64_t column = crucible_column(key, region, width);
  for (uint64_t i = this_thread(); i < rows; i += all_threads()) {
    uint4* at = (uint4*)(live + i * pitch + column);
    sealed[i] = opened(*at, key, region_start(region) + i);
    *at = decoy;
  }
}

/// Counts rows whose collected sample is not what the output holds at the end (light deals).
extern "C" __global__ void __launch_bounds__(256)
    crucible_compare_samples(const char* live, uint64_t pitch, uint64_t width, uint32_t rows, const uint4* samples,
                             uint64_t key, uint32_t region, unsigned long long* different) {
  const uint64_t column = crucible_column(key, 0x100 + region, width);
  for (uint64_t i = this_thread(); i < rows; i += all_threads()) {
    const uint4 a = *(const uint4*)(live + i * pitch + column), b = samples[i];
    if (a.x != b.x || a.y != b.y || a.z != b.z || a.w != b.w) atomicAdd(different, 1ull);
  }
}

/// Brings memory into the L2 cache; stores nothing unless memory holds a value that no sealed byte string has.
extern "C" __global__ void __launch_bounds__(512) crucible_touch(const uint4* memory, uint64_t bytes, uint4* sink) {
  uint4 sum = make_uint4(0, 0, 0, 0);
  for (uint64_t i = this_thread(); i < bytes / 16; i += all_threads()) {
    const uint4 v = memory[i];
    sum = make_uint4(sum.x ^ v.x, sum.y ^ v.y, sum.z ^ v.z, sum.w ^ v.w);
  }
  if (sum.x == 0x12345u && sum.y == 0x777u && sum.z == 1u && sum.w == 2u) *sink = sum;
}

/// The null kernel: the least that a call can be. Its marginal time is the floor under which no time is believed.
extern "C" __global__ void crucible_null() {}

/// Marks the borders of a captured call.
extern "C" __global__ void crucible_before() {}
extern "C" __global__ void crucible_after() {}

/// Holds its stream back until `word` is not zero, or the time is over.
extern "C" __global__ void crucible_hold(const volatile unsigned* word, uint64_t nanoseconds) {
  uint64_t begin, now;
  asm volatile("mov.u64 %0, %globaltimer;" : "=l"(begin));
  do {
    __nanosleep(2000);
    asm volatile("mov.u64 %0, %globaltimer;" : "=l"(now));
  } while (*word == 0 && now - begin < nanoseconds);
}

/// Spins for `rounds` steps on one thread: the health probe, whose time rises when something else holds the device.
extern "C" __global__ void crucible_probe(unsigned* counter, uint32_t rounds) {
  unsigned x = *counter;
  for (uint32_t i = 0; i < rounds; ++i) x = x * 1664525u + 1013904223u;
  *counter = x;
}
