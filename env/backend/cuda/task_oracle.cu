// Oracles of tasks that are not row-wise: each call of a chain against fp64 truth (oracle_jobs.h).

#include "env/backend/cuda/alignment_oracle.cuh"
#include "env/backend/cuda/oracle_tensor.cuh"
#include "env/backend/cuda/serving_oracle.cuh"

namespace {

/// 1 / (1 + exp(−2y)) is (1 + tanh y) / 2 without its cancellation.
__device__ void add_gelu(Tally& tally, const Job& job, double z, double magnitude, double out, int64_t index) {
  const uint32_t e = job.after[0].element;
  const double slope = 2 * 0.79788456080286535588;
  const double gate = 1 / (1 + exp(-slope * (z + 0.044715 * z * z * z)));
  const double derivative = gate + z * gate * (1 - gate) * slope * (1 + 3 * 0.044715 * z * z);
  const double extra = gate == 0 ? 0 : format_of(e).unit_roundoff * fabs(z * derivative);
  tally.add(eta_of(out, gate == 0 ? -0.0 : z * gate, magnitude, 0, e, extra), out, job.max_eta, (uint64_t)index);
}

/// One warp an element: its lanes run along K, which is adjacent in most workloads' operands.
__device__ void judge_gemm(const Job& job, Tally& tally) {
  const CrucibleOracleTensor &out = job.after[0], &a = job.before[1], &b = job.before[2], &bias = job.before[3];
  const int64_t n = out.shape[1], depth = a.shape[1];
  const int64_t rows = (out.shape[0] - job.row_first + job.row_step - 1) / job.row_step;
  for (int64_t i = this_warp(); i < rows * n; i += all_warps()) {
    const int64_t row = job.row_first + i / n * job.row_step, column = i % n, from_a = row_at(a, row), from_b = column * b.stride[1];
    double sum = 0, magnitude = 0;
#pragma unroll 4
    for (int64_t k = threadIdx.x % 32; k < depth; k += 32) {
      const double product = product_at(a, from_a + k * a.stride[1], b, from_b + k * b.stride[0]);
      sum += product;
      magnitude += fabs(product);
    }
    sum = over_warp(sum);
    magnitude = over_warp(magnitude);
    if (threadIdx.x % 32 != 0) continue;
    if (bias.base != 0) {
      const double added = value_at(bias, column * bias.stride[0]);
      sum += added;
      magnitude += fabs(added);
    }
    const double got = value_at(out, row_at(out, row) + column * out.stride[1]);
    if (job.operation == CRUCIBLE_GEMM_GELU)
      add_gelu(tally, job, sum, magnitude, got, row * n + column);
    else
      tally.add(eta_of(got, sum, magnitude, 0, out.element), got, job.max_eta, (uint64_t)(row * n + column));
  }
}

/// Query or key of rotary_embedding. What is not rotated must keep its bits.
__device__ void judge_rotation(const Job& job, int tensor, Tally& tally) {
  const CrucibleOracleTensor &x = job.before[tensor], &y = job.after[tensor], &positions = job.before[0],
                             &table = job.before[3];
  const int64_t width = x.shape[1], head = job.integer[0], rotated = table.shape[1], half = rotated / 2;
  const bool neox = job.integer[1] != 0;
  for (int64_t i = (int64_t)blockIdx.x * blockDim.x + threadIdx.x; i < x.shape[0] * width;
       i += (int64_t)gridDim.x * blockDim.x) {
    const int64_t token = i / width, column = i % width, in_head = column % head;
    const int64_t row = row_at(x, token);
    const double old = value_at(x, row + column), got = value_at(y, row_at(y, token) + column);
    if (in_head >= rotated) {
      const bool same = old == got && signbit(old) == signbit(got);
      tally.add(same ? 0 : infinite(), got, job.max_eta, (uint64_t)i);
      continue;
    }
    const bool first = neox ? in_head < half : in_head % 2 == 0;
    const int64_t pair = neox ? in_head % half : in_head / 2, step = neox ? half : 1;
    const int64_t cosines = integer_at(positions, row_at(positions, token)) * table.stride[0];
    const double partner = value_at(x, row + (first ? column + step : column - step));
    const double a = old * value_at(table, cosines + pair);
    const double b = (first ? -partner : partner) * value_at(table, cosines + half + pair);
    tally.add(eta_of(got, a + b, fabs(a) + fabs(b), 0, x.element), got, job.max_eta, (uint64_t)i);
  }
}

/// One row of topk_softmax, as the router's caller reads it.
struct RouterRow {
  const CrucibleOracleTensor& logits;
  int64_t start;
  double largest, sum;

  __device__ double logit(int64_t e) const { return value_at(logits, start + e * logits.stride[1]); }
  __device__ double probability(int64_t e) const { return exp(logit(e) - largest) / sum; }
  /// Whether `a` may not stand behind `b`: it is more likely, or as likely and comes first, and the two are not near.
  __device__ bool must_precede(int64_t a, int64_t b) const {
    const double x = logit(a), y = logit(b);
    if (x == y) return a < b;
    if (x < y) return false;
    const double p = probability(a), q = probability(b), high = fmax(p, q);
    return fabs(p - q) > 0x1p-20 * high && high >= 0x1p-126;
  }
};

__device__ void judge_topk(const Job& job, Tally& weights, Tally& chosen) {
  const CrucibleOracleTensor &w = job.after[0], &ids = job.after[1], &logits = job.before[2];
  const int64_t experts = logits.shape[1], k = ids.shape[1], lane = threadIdx.x % 32;
  for (int64_t t = this_warp(); t < ids.shape[0]; t += all_warps()) {
    RouterRow row{logits, row_at(logits, t), -infinite(), 0};
    for (int64_t e = lane; e < experts; e += 32) row.largest = fmax(row.largest, row.logit(e));
    row.largest = most_of_warp(row.largest);
    for (int64_t e = lane; e < experts; e += 32) row.sum += exp(row.logit(e) - row.largest);
    row.sum = over_warp(row.sum);
    const int64_t first_id = row_at(ids, t), first_weight = row_at(w, t);
    double divisor = 0, wrong = 0;
    for (int64_t j = lane; j < k; j += 32) {
      const int64_t id = integer_at(ids, first_id + j);
      if (id < 0 || id >= experts)
        wrong = 1;
      else
        divisor += row.probability(id);
      for (int64_t other = 0; other < j; ++other)
        if (integer_at(ids, first_id + other) == id) wrong = 1;
    }
    wrong = most_of_warp(wrong);
    divisor = job.integer[0] != 0 ? over_warp(divisor) : 1;
    for (int64_t e = lane; e < experts && wrong == 0; e += 32)
      for (int64_t j = 0; j < k; ++j) {
        const int64_t id = integer_at(ids, first_id + j);
        if (id == e) break;  // those after it stand behind it rightly or not by their own account
        if (row.must_precede(e, id)) wrong = 1;
      }
    wrong = most_of_warp(wrong);
    if (lane == 0) chosen.add(wrong != 0 ? infinite() : 0, 0, job.max_eta, (uint64_t)(t * k));
    for (int64_t j = lane; j < k && wrong == 0; j += 32) {
      const int64_t id = integer_at(ids, first_id + j);
      const double reference = row.probability(id) / divisor, got = value_at(w, first_weight + j);
      const double magnitude = reference == 0 ? 0 : reference * (1 + fabs(row.logit(id) - row.largest));
      weights.add(eta_of(got, reference, magnitude, 1, CRUCIBLE_F32), got, job.max_eta, (uint64_t)(t * k + j));
    }
  }
}

constexpr int kWarps = 8;
constexpr int kLargestHead = 256;

/// One block a sequence and query head, one warp a position; the scores are computed twice instead of kept.
__device__ void judge_decode_attention(const Job& job, Tally& tally) {
  __shared__ double warp_most[kWarps], warp_sum[kWarps], total[3][kLargestHead];
  const CrucibleOracleTensor &out = job.after[0], &query = job.before[1], &keys = job.before[2],
                             &values = job.before[3], &table = job.before[4], &lengths = job.before[5];
  const int64_t heads = query.shape[1], size = query.shape[2], page = keys.shape[1], group = heads / keys.shape[2];
  const int64_t lane = threadIdx.x % 32, warp = threadIdx.x / 32;
  for (int64_t unit = blockIdx.x; unit < query.shape[0] * heads; unit += gridDim.x) {
    const int64_t s = unit / heads, head = unit % heads, length = integer_at(lengths, row_at(lengths, s));
    const int64_t from_query = row_at(query, s) + head * query.stride[1], from_table = row_at(table, s);
    const auto row_of = [&](const CrucibleOracleTensor& cache, int64_t position) {
      const int64_t block = integer_at(table, from_table + position / page);
      return block * cache.stride[0] + position % page * cache.stride[1] + head / group * cache.stride[2];
    };
    const auto score_of = [&](int64_t position) {
      const int64_t row = row_of(keys, position);
      double score = 0;
      for (int64_t i = lane; i < size; i += 32) score += product_at(query, from_query + i, keys, row + i);
      return over_warp(score) * job.real;
    };
    double most = -infinite(), sum = 0;
    for (int64_t position = warp; position < length; position += kWarps) {
      const double score = score_of(position);
      if (score > most) {
        sum = sum * exp(most - score) + 1;
        most = score;
      } else {
        sum += exp(score - most);
      }
    }
    if (lane == 0) {
      warp_most[warp] = most;
      warp_sum[warp] = sum;
    }
    for (int64_t i = threadIdx.x; i < 3 * kLargestHead; i += blockDim.x) (&total[0][0])[i] = 0;
    __syncthreads();
    most = -infinite();
    for (int w = 0; w < kWarps; ++w) most = fmax(most, warp_most[w]);
    sum = 0;
    for (int w = 0; w < kWarps; ++w)
      if (warp_sum[w] != 0) sum += warp_sum[w] * exp(warp_most[w] - most);
    double part[3][kLargestHead / 32] = {};
    for (int64_t position = warp; position < length; position += kWarps) {
      const double weight = exp(score_of(position) - most) / sum;
      const int64_t row = row_of(values, position);
#pragma unroll
      for (int j = 0; j < kLargestHead / 32; ++j) {
        if (lane + 32 * j >= size) break;
        const double term = weight * value_at(values, row + lane + 32 * j);
        part[0][j] += term;
        part[1][j] += fabs(term);
        part[2][j] += term * term;
      }
    }
    for (int what = 0; what < 3; ++what)
#pragma unroll
      for (int j = 0; j < kLargestHead / 32; ++j)
        if (lane + 32 * j < size) atomicAdd(&total[what][lane + 32 * j], part[what][j]);
    __syncthreads();
    for (int64_t i = threadIdx.x; i < size; i += blockDim.x) {
      const double got = value_at(out, row_at(out, s) + head * out.stride[1] + i);
      const double extra = format_of(out.element).unit_roundoff * sqrt(total[2][i]);
      tally.add(eta_of(got, total[0][i], total[1][i], 0, out.element, extra), got, job.max_eta,
                (uint64_t)(unit * size + i));
    }
    __syncthreads();
  }
}

}  // namespace

extern "C" __global__ void __launch_bounds__(256) crucible_task_oracle(const CrucibleTaskJob* jobs) {
  const CrucibleTaskJob& job = jobs[blockIdx.y];
  CrucibleOracleVerdict* verdicts = (CrucibleOracleVerdict*)job.verdict;
  Tally first, second;
  switch (job.operation) {
    case CRUCIBLE_GEMM:
    case CRUCIBLE_GEMM_GELU:
      judge_gemm(job, first);
      break;
    case CRUCIBLE_ROTARY_EMBEDDING:
      judge_rotation(job, 1, first);
      if (job.before[2].base != 0) judge_rotation(job, 2, second);
      break;
    case CRUCIBLE_TOPK_SOFTMAX:
      judge_topk(job, first, second);
      break;
    case CRUCIBLE_PAGED_DECODE_ATTENTION:
      judge_decode_attention(job, first);
      break;
    case CRUCIBLE_EMBEDDING:
      judge_embedding(job, first);
      break;
    case CRUCIBLE_MOE_SUM:
      judge_moe_sum(job, first);
      break;
    case CRUCIBLE_MERGE_ATTN_STATES:
      judge_merge(job, first, second);
      break;
    case CRUCIBLE_RESHAPE_AND_CACHE:
      judge_cache(job, 0, 2, first);
      judge_cache(job, 1, 3, second);
      break;
    case CRUCIBLE_MOE_ALIGN_BLOCK_SIZE:
      if (blockIdx.x == 0) judge_alignment(job, first, second);
      break;
    case CRUCIBLE_PER_TOKEN_GROUP_QUANT_FP8:
      judge_group_quant(job, first, second);
      break;
  }
  first.flush_to(&verdicts[0]);
  second.flush_to(&verdicts[1]);
}
