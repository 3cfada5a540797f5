// The judge's device code: deals pool entries, seals them, poisons, and checks outputs against fp64 truth.

#include "env/backend/cuda/judge_jobs.h"
#include "env/backend/cuda/oracle_device.cuh"
#include "sandbox/launcher/deal.h"

namespace {

__device__ __forceinline__ uint64_t this_thread() { return (uint64_t)blockIdx.x * blockDim.x + threadIdx.x; }
__device__ __forceinline__ uint64_t all_threads() { return (uint64_t)gridDim.x * blockDim.x; }

__device__ __forceinline__ const unsigned char* dealt_row(const CrucibleDealtRows& d, uint64_t row) {
  return (const unsigned char*)d.source + ((uint64_t)d.multiplier * row + d.offset) % d.rows * d.pitch;
}

__device__ __forceinline__ uint32_t sign_mask(uint32_t negate) {
  return negate == 16 ? 0x80008000u : negate == 32 ? 0x80000000u : 0u;
}

__device__ __forceinline__ uint4 flipped(uint4 v, uint32_t mask) {
  return make_uint4(v.x ^ mask, v.y ^ mask, v.z ^ mask, v.w ^ mask);
}

__device__ __forceinline__ uint4 sealed(uint4 v, uint64_t key, uint64_t index) {
  const uint64_t a = crucible_stream(key, 2 * index), b = crucible_stream(key, 2 * index + 1);
  return make_uint4(v.x ^ (uint32_t)a, v.y ^ (uint32_t)(a >> 32), v.z ^ (uint32_t)b, v.w ^ (uint32_t)(b >> 32));
}

__device__ __forceinline__ uint64_t region_start(uint32_t region) { return (uint64_t)(region + 1) << 40; }

__device__ void run_rows(const CrucibleJob& job) {
  // Widths and pitches are multiples of 16 here: the host splits other rows into a storage of one row, and a storage's
  // odd tail is dealt bytewise.
  const CrucibleDealtRows& d = job.dealt;
  const uint64_t per_row = d.width / 16, total = per_row * d.rows;
  const uint32_t mask = sign_mask(d.negate);
  unsigned long long different = 0;
  for (uint64_t i = this_thread(); i < total; i += all_threads()) {
    const uint64_t row = i / per_row, column = i % per_row;
    const uint4 v = flipped(((const uint4*)dealt_row(d, row))[column], mask);
    uint4* at = (uint4*)(job.target + row * job.target_pitch) + column;
    if (job.kind == CRUCIBLE_JOB_DEAL) {
      *at = v;
    } else if (job.kind == CRUCIBLE_JOB_SEAL) {
      *at = sealed(v, job.key, region_start(job.region) + i);
    } else {
      const uint4 w = *at;
      different += v.x != w.x || v.y != w.y || v.z != w.z || v.w != w.w;
    }
  }
  if (d.rows == 1) {
    const uint32_t byte_mask = d.negate == 16 ? 0x8000u : d.negate == 32 ? 0x80000000u : 0u;
    for (uint64_t i = per_row * 16 + this_thread(); i < d.width; i += all_threads()) {
      const unsigned char flip = d.negate == 0 ? 0 : (unsigned char)(byte_mask >> (i % (d.negate / 8) * 8));
      const unsigned char v = ((const unsigned char*)d.source)[i] ^ flip;
      unsigned char* at = (unsigned char*)job.target + i;
      if (job.kind == CRUCIBLE_JOB_DEAL)
        *at = v;
      else if (job.kind == CRUCIBLE_JOB_SEAL)
        *at = v ^ (unsigned char)crucible_stream(job.key, region_start(job.region) * 2 + i);
      else
        different += v != *at;
    }
  }
  if (different != 0) atomicAdd((unsigned long long*)job.counter, different);
}

__device__ void run_pattern(const CrucibleJob& job) {
  const uint64_t bytes = job.dealt.width * job.dealt.rows;
  const uint32_t low = (uint32_t)job.pattern, high = (uint32_t)(job.pattern >> 32);
  const uint4 want = make_uint4(low, high, low, high);
  unsigned long long different = 0;
  for (uint64_t i = this_thread(); i < bytes / 16; i += all_threads()) {
    uint4* at = (uint4*)job.target + i;
    if (job.kind == CRUCIBLE_JOB_FILL) {
      *at = want;
    } else {
      const uint4 v = *at;
      different += (v.x != want.x) + (v.y != want.y) + (v.z != want.z) + (v.w != want.w);
    }
  }
  for (uint64_t i = bytes / 16 * 16 + this_thread(); i < bytes; i += all_threads()) {
    unsigned char* at = (unsigned char*)job.target + i;
    const unsigned char v = (unsigned char)(job.pattern >> (i % 8 * 8));
    if (job.kind == CRUCIBLE_JOB_FILL)
      *at = v;
    else
      different += *at != v;
  }
  if (different != 0) atomicAdd((unsigned long long*)job.counter, different);
}

__device__ __forceinline__ double dealt_element(const CrucibleDealtRows& d, uint64_t row, uint64_t index,
                                                uint32_t element) {
  const double v = element_at((uint64_t)dealt_row(d, row), index, element);
  return d.negate != 0 ? -v : v;
}

template <class Word>
__device__ void shuffle_elements(const CrucibleJob& job) {
  const uint64_t n = job.dealt.width / sizeof(Word);
  const Word* from = (const Word*)job.dealt.source;
  Word* to = (Word*)job.target;
  for (uint64_t i = this_thread(); i < n; i += all_threads()) {
    const uint64_t flip = job.key == 0 ? 0 : crucible_stream(job.key, i / 64) >> (i % 64) & 1;
    to[i] = from[((uint64_t)job.dealt.multiplier * i + job.dealt.offset) % n] ^ (Word)(flip << (8 * sizeof(Word) - 1));
  }
}

/// The sign bits of 16 bytes of elements of kBits bits, as `random` has them.
template <int kBits>
__device__ __forceinline__ uint4 random_signs(uint64_t random) {
  uint32_t words[4];
  for (int w = 0; w < 4; ++w) {
    words[w] = 0;
    for (int bit = kBits - 1; bit < 32; bit += kBits, random >>= 1) words[w] |= (uint32_t)(random & 1) << bit;
  }
  return make_uint4(words[0], words[1], words[2], words[3]);
}

template <int kBits>
__device__ void shuffle_vectors(const CrucibleJob& job) {
  const uint64_t n = job.dealt.width / 16;
  const uint4* from = (const uint4*)job.dealt.source;
  uint4* to = (uint4*)job.target;
  for (uint64_t i = this_thread(); i < n; i += all_threads()) {
    const uint4 v = from[((uint64_t)job.dealt.multiplier * i + job.dealt.offset) % n];
    const uint4 s = random_signs<kBits>(crucible_stream(job.key, i));
    to[i] = make_uint4(v.x ^ s.x, v.y ^ s.y, v.z ^ s.z, v.w ^ s.w);
  }
}

/// New contents of the same distribution: pieces change places and every element its sign, so that no sum over them is
/// known ahead.
__device__ void run_shuffle(const CrucibleJob& job) {
  if (job.target_pitch == 16) {
    if (job.region == 1) shuffle_vectors<8>(job);
    if (job.region == 2) shuffle_vectors<16>(job);
    if (job.region == 4) shuffle_vectors<32>(job);
    return;
  }
  if (job.region == 1) shuffle_elements<uint8_t>(job);
  if (job.region == 2) shuffle_elements<uint16_t>(job);
  if (job.region == 4) shuffle_elements<uint32_t>(job);
}

}  // namespace

extern "C" __global__ void __launch_bounds__(256) crucible_jobs(const CrucibleJob* jobs) {
  const CrucibleJob job = jobs[blockIdx.y];
  if (job.kind == CRUCIBLE_JOB_FILL || job.kind == CRUCIBLE_JOB_VERIFY)
    run_pattern(job);
  else if (job.kind == CRUCIBLE_JOB_SHUFFLE)
    run_shuffle(job);
  else
    run_rows(job);
}

extern "C" __global__ void __launch_bounds__(256) crucible_row_jobs(const CrucibleRowJob* jobs) {
  const CrucibleRowJob job = jobs[blockIdx.y];
  if (job.compare) {
    const uint64_t column = crucible_column(job.key, 0x100 + job.region, job.width);
    for (uint64_t i = this_thread(); i < job.rows; i += all_threads()) {
      const uint4 a = *(const uint4*)(job.live + i * job.pitch + column), b = ((const uint4*)job.hidden)[i];
      if (a.x != b.x || a.y != b.y || a.z != b.z || a.w != b.w) atomicAdd((unsigned long long*)job.counter, 1ull);
    }
    return;
  }
  const uint64_t column = crucible_column(job.key, job.region, job.width);
  const uint4 decoy = make_uint4(job.decoy[0], job.decoy[1], job.decoy[2], job.decoy[3]);
  for (uint64_t i = this_thread(); i < job.rows; i += all_threads()) {
    uint4* at = (uint4*)(job.live + i * job.pitch + column);
    ((uint4*)job.hidden)[i] = sealed(*at, job.key, region_start(job.region) + i);
    *at = decoy;
  }
}

extern "C" __global__ void __launch_bounds__(256) crucible_oracle(const CrucibleOracleJob* jobs) {
  const CrucibleOracleJob job = jobs[blockIdx.y];
  const uint32_t e = job.element;
  const uint64_t n = job.columns;
  CrucibleOracleVerdict* verdicts = (CrucibleOracleVerdict*)job.verdict;
  Tally main, second;
  for (uint64_t row = blockIdx.x; row < job.input.rows; row += gridDim.x) {
    const auto x = [&](uint64_t i) { return dealt_element(job.input, row, i, e); };
    const uint64_t out_row = job.output + row * job.output_pitch;
    if (job.operation == CRUCIBLE_SILU_AND_MUL) {
      for (uint64_t i = threadIdx.x; i < n; i += blockDim.x) {
        const double gate = x(i), up = x(n + i), reference = gate / (1 + exp(-gate)) * up;
        const double out = element_at(out_row, i, e);
        main.add(eta_of(out, reference, fabs(reference) * (1 + fabs(gate)), fabs(gate * up), e), out, job.max_eta,
                 row * n + i);
      }
      continue;
    }
    if (job.operation == CRUCIBLE_SOFTMAX) {
      double largest = -__longlong_as_double(0x7ff0000000000000ll), nan = 0;
      for (uint64_t i = threadIdx.x; i < n; i += blockDim.x) {
        const double v = x(i);
        if (isnan(v)) nan = 1;
        largest = fmax(largest, v);
      }
      largest = over_block<true>(largest);
      if (over_block<true>(nan) != 0) largest = __longlong_as_double(0x7ff8000000000000ll);
      double sum = 0;
      for (uint64_t i = threadIdx.x; i < n; i += blockDim.x) sum += exp(x(i) - largest);
      sum = over_block<false>(sum);
      for (uint64_t i = threadIdx.x; i < n; i += blockDim.x) {
        const double v = x(i), reference = exp(v - largest) / sum, out = element_at(out_row, i, e);
        const double magnitude = reference == 0 ? 0 : reference * (1 + fabs(v - largest));
        main.add(eta_of(out, reference, magnitude, 1, e), out, job.max_eta, row * n + i);
      }
      continue;
    }
    const bool fused = job.operation == CRUCIBLE_FUSED_ADD_RMS_NORM;
    const auto value = [&](uint64_t i) {
      return fused ? rounded_to(x(i) + dealt_element(job.residual, row, i, e), e) : x(i);
    };
    double mean = 0;
    if (job.operation == CRUCIBLE_LAYER_NORM) {
      double sum = 0;
      for (uint64_t i = threadIdx.x; i < n; i += blockDim.x) sum += value(i);
      mean = over_block<false>(sum) / (double)n;
    }
    double squares = 0;
    for (uint64_t i = threadIdx.x; i < n; i += blockDim.x) {
      const double v = value(i) - mean;
      squares += v * v;
    }
    const double scale = 1 / sqrt(over_block<false>(squares) / (double)n + job.epsilon);
    for (uint64_t i = threadIdx.x; i < n; i += blockDim.x) {
      const double v = value(i), w = element_at(job.weight, i, e), b = job.bias != 0 ? element_at(job.bias, i, e) : 0;
      const double reference = (v - mean) * scale * w + b;
      const double magnitude =
          job.operation == CRUCIBLE_LAYER_NORM ? (fabs(v) + fabs(mean)) * scale * fabs(w) + fabs(b) : fabs(reference);
      const double out = element_at(out_row, i, e);
      main.add(eta_of(out, reference, magnitude, 0, e), out, job.max_eta, row * n + i);
      if (fused) {
        const double a = x(i), r = dealt_element(job.residual, row, i, e);
        const double kept = element_at(job.residual_output + row * job.residual_pitch, i, e);
        second.add(eta_of(kept, a + r, fabs(a) + fabs(r), 0, e), kept, job.max_eta, row * n + i);
      }
    }
  }
  main.flush_to(&verdicts[0]);
  if (job.operation == CRUCIBLE_FUSED_ADD_RMS_NORM) second.flush_to(&verdicts[1]);
}
