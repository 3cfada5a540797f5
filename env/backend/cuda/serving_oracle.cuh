#pragma once

// Oracles of the small memory-bound operators of LLM serving. Device code alone.

#include "env/backend/cuda/oracle_tensor.cuh"

namespace {

using Job = CrucibleTaskJob;

__device__ __forceinline__ int64_t this_one() { return (int64_t)blockIdx.x * blockDim.x + threadIdx.x; }
__device__ __forceinline__ int64_t all_of_them() { return (int64_t)gridDim.x * blockDim.x; }

/// Whether two elements have the same bits.
__device__ __forceinline__ bool same_bits(const CrucibleOracleTensor& a, int64_t i, const CrucibleOracleTensor& b,
                                          int64_t j) {
  switch (a.element) {
    case CRUCIBLE_F32:
    case CRUCIBLE_I32:
      return ((const uint32_t*)a.base)[i] == ((const uint32_t*)b.base)[j];
    case CRUCIBLE_F8E4M3:
      return ((const uint8_t*)a.base)[i] == ((const uint8_t*)b.base)[j];
    case CRUCIBLE_I64:
      return ((const uint64_t*)a.base)[i] == ((const uint64_t*)b.base)[j];
    default:
      return ((const uint16_t*)a.base)[i] == ((const uint16_t*)b.base)[j];
  }
}

__device__ __forceinline__ void add_exact(Tally& tally, const Job& job, bool same, int64_t index) {
  tally.add(same ? 0 : infinite(), 0, job.max_eta, (uint64_t)index);
}

__device__ void judge_embedding(const Job& job, Tally& tally) {
  const CrucibleOracleTensor &out = job.after[0], &ids = job.before[1], &table = job.before[2];
  const int64_t width = out.shape[1];
  for (int64_t i = this_one(); i < out.shape[0] * width; i += all_of_them()) {
    const int64_t t = i / width, column = i % width;
    const int64_t from = integer_at(ids, t * ids.stride[0]) * table.stride[0] + column;
    add_exact(tally, job, same_bits(out, t * out.stride[0] + column, table, from), i);
  }
}

__device__ void judge_moe_sum(const Job& job, Tally& tally) {
  const CrucibleOracleTensor &x = job.before[0], &out = job.after[1];
  const int64_t width = out.shape[1];
  for (int64_t i = this_one(); i < out.shape[0] * width; i += all_of_them()) {
    const int64_t t = i / width, column = i % width;
    double sum = 0, magnitude = 0;
    for (int64_t k = 0; k < x.shape[1]; ++k) {
      const double v = value_at(x, t * x.stride[0] + k * x.stride[1] + column);
      sum += v;
      magnitude += fabs(v);
    }
    const double got = value_at(out, t * out.stride[0] + column);
    tally.add(eta_of(got, sum, magnitude, 0, out.element), got, job.max_eta, (uint64_t)i);
  }
}

__device__ __forceinline__ double lse_at(const CrucibleOracleTensor& lse, int64_t head, int64_t token) {
  const double v = value_at(lse, head * lse.stride[0] + token * lse.stride[1]);
  return v == infinite() ? -infinite() : v;
}

__device__ void judge_merge(const Job& job, Tally& merged, Tally& sums) {
  const CrucibleOracleTensor &out = job.after[0], &out_lse = job.after[1], &prefix = job.before[2],
                             &prefix_lse = job.before[3], &suffix = job.before[4], &suffix_lse = job.before[5];
  const int64_t heads = out.shape[1], size = out.shape[2];
  for (int64_t i = this_one(); i < out.shape[0] * heads * size; i += all_of_them()) {
    const int64_t t = i / size / heads, h = i / size % heads, c = i % size;
    const double a = lse_at(prefix_lse, h, t), b = lse_at(suffix_lse, h, t), most = fmax(a, b);
    const bool both_empty = isinf(most);
    const double u = both_empty ? 1 : exp(a - most), v = both_empty ? 0 : exp(b - most), sum = u + v;
    const double spread = both_empty || isinf(a) || isinf(b) ? 1 : 1 + fabs(a - b);
    const int64_t at = t * out.stride[0] + h * out.stride[1] + c;  // all of the call's rows are compact
    const double x = value_at(prefix, at) * (u / sum), y = v == 0 ? 0 : value_at(suffix, at) * (v / sum);
    const double got = value_at(out, at);
    merged.add(eta_of(got, x + y, (fabs(x) + fabs(y)) * spread, 0, out.element), got, job.max_eta, (uint64_t)i);
    if (out_lse.base == 0 || c != 0) continue;
    const double wanted = both_empty ? -infinite() : most + log(sum);
    const double stored = value_at(out_lse, h * out_lse.stride[0] + t * out_lse.stride[1]);
    sums.add(eta_of(stored, wanted, both_empty ? 0 : fabs(most) + log(sum) + 1, 0, CRUCIBLE_F32), stored, job.max_eta,
             (uint64_t)(h * out.shape[0] + t));
  }
}

/// The number of e4m3 nearest to `value`, ties to even, saturated.
__device__ __forceinline__ double nearest_f8(double value) {
  const double size = fabs(value);
  if (size >= 448) return copysign(448.0, value);
  const int exponent = size < 0x1p-6 ? -6 : ilogb(size);
  return copysign(ldexp(rint(ldexp(size, 3 - exponent)), exponent - 3), value);
}

/// A warp a group: the scale within 2 ulp, and every code that of x/s for some s within 2⁻²² of the scale written.
__device__ void judge_group_quant(const Job& job, Tally& codes, Tally& scales) {
  const CrucibleOracleTensor &x = job.before[0], &q = job.after[1], &scale = job.after[2];
  const int64_t group = job.integer[0], groups = x.shape[1] / group, lane = threadIdx.x % 32;
  for (int64_t g = this_warp(); g < x.shape[0] * groups; g += all_warps()) {
    const int64_t t = g / groups, first = g % groups * group;
    const int64_t from = row_at(x, t) + first, to = row_at(q, t) + first;
    double largest = 0;
    for (int64_t i = lane; i < group; i += 32) largest = fmax(largest, fabs(value_at(x, from + i)));
    const float wanted = (float)(fmax(most_of_warp(largest), job.real) / 448);
    const float written = (float)value_at(scale, t * scale.stride[0] + g % groups * scale.stride[1]);
    const int64_t distance = (int64_t)__float_as_int(written) - __float_as_int(wanted);
    if (lane == 0) add_exact(scales, job, written > 0 && distance >= -2 && distance <= 2, g);
    for (int64_t i = lane; i < group; i += 32) {
      const double v = value_at(x, from + i), got = value_at(q, to + i);
      const double a = nearest_f8(v / (written * (1 + 0x1p-22))), b = nearest_f8(v / (written * (1 - 0x1p-22)));
      add_exact(codes, job, got >= fmin(a, b) && got <= fmax(a, b), t * x.shape[1] + first + i);
    }
  }
}

/// One cache: a warp looks up which new row, if any, each of its rows had to take; every other row must have stayed.
__device__ void judge_cache(const Job& job, int from, int to, Tally& tally) {
  const CrucibleOracleTensor &rows = job.before[from], &old = job.before[to], &now = job.after[to],
                             &slots = job.before[4];
  const int64_t page = old.shape[1], heads = old.shape[2], size = old.shape[3], lane = threadIdx.x % 32;
  for (int64_t slot = this_warp(); slot < old.shape[0] * page; slot += all_warps()) {
    double taken = -1;
    for (int64_t t = lane; t < slots.shape[0]; t += 32)
      if (integer_at(slots, t * slots.stride[0]) == slot) taken = (double)t;
    const auto token = (int64_t)most_of_warp(taken);
    const int64_t start = slot / page * old.stride[0] + slot % page * old.stride[1];
    for (int64_t i = lane; i < heads * size; i += 32) {
      const int64_t at = start + i / size * old.stride[2] + i % size;
      const bool same = token < 0 ? same_bits(now, at, old, at)
                                  : same_bits(now, at, rows, token * rows.stride[0] + i / size * rows.stride[1] + i % size);
      add_exact(tally, job, same, slot * heads * size + i);
    }
  }
}

}  // namespace
