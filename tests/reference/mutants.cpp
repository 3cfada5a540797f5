#include "tests/reference/mutants.h"

namespace crucible {
namespace {

const char* const kRound = "(bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16";
const char* const kLoadOffset = "static_cast<const char*>(tensor->data) + tensor->byte_offset";
const char* const kNoOffset = "static_cast<const char*>(tensor->data)";

/// Mistakes that every kernel with the seeds' load() and store() can make.
std::vector<Mutant> common(const std::string& task) {
  return {{task, "truncates to bf16", kRound, "bits >> 16"},
          {task, "forgets byte_offset when reading", kLoadOffset, kNoOffset}};
}

/// Mistakes of kernels that walk over rows.
std::vector<Mutant> by_row(const std::string& task, const std::string& input) {
  const std::string rows = "row < row_count(" + input + ")";
  return {
      {task, "ignores strides", "row_start(" + input + ", row)", "row * " + input + "->shape[" + input + "->ndim - 1]"},
      {task, "ignores the outer stride", "axis = tensor->ndim - 2; axis >= 0",
       "axis = tensor->ndim - 2; axis >= 0 && axis == tensor->ndim - 2"},
      {task, "stops after 4,096 rows", rows, rows + " && row < 4096"},
      {task, "skips the last row", rows, "row + 1 < row_count(" + input + ")"},
      {task, "does only the first row of a longer batch", rows, rows + " && row < 11"},
      {task, "takes three dimensions for two", "axis + 1 < tensor->ndim; ++axis) rows *= tensor->shape[axis]",
       "axis + 1 < tensor->ndim; ++axis) rows = tensor->shape[axis]"}};
}

void add(std::vector<Mutant>& all, std::vector<Mutant> more) { all.insert(all.end(), more.begin(), more.end()); }

std::vector<Mutant> make() {
  std::vector<Mutant> all;
  for (const char* task : {"rms_norm", "fused_add_rms_norm", "layer_norm", "silu_and_mul", "softmax",
                           "rotary_embedding", "gemm", "gemm_gelu", "paged_decode_attention"})
    add(all, common(task));
  for (const char* task : {"rms_norm", "fused_add_rms_norm", "layer_norm", "silu_and_mul", "softmax"})
    add(all, by_row(task, "input"));

  for (const char* task : {"rms_norm", "fused_add_rms_norm", "layer_norm"}) {
    add(all, {{task, "drops epsilon", " + epsilon)", ")"},
              {task, "uses an epsilon of its own", " + epsilon)", " + 1e-5 + 0 * epsilon)"},
              {task, "divides by one too many", "static_cast<double>(width)", "static_cast<double>(width + 1)"},
              {task, "ignores weight", " * load(weight, i)", " * (0 * load(weight, i) + 1)"},
              {task, "sums without the last column", "i < width", "i + 1 < width"},
              {task, "never writes the last column", "for (std::int64_t i = 0; i < width; ++i)",
               "for (std::int64_t i = 0; i + 1 < width; ++i)", std::string(task) == "layer_norm" ? 3 : 2},
              {task, "adds squares in half precision",
               "squares += ", "squares = static_cast<double>(static_cast<_Float16>(squares)) + "},
              {task, "one element is off by half", "load(weight, i)",
               "load(weight, i) * (i == 5 && row == 1 ? 1.5f : 1.0f)"}});
  }
  add(all, {{"rms_norm", "adds epsilon after the root", "1 / std::sqrt(squares / static_cast<double>(width) + epsilon)",
             "1 / (std::sqrt(squares / static_cast<double>(width)) + epsilon)"},
            {"rms_norm", "keeps one running fp32 sum", "double squares", "float squares"},
            {"fused_add_rms_norm", "leaves residual alone",
             "store(residual, sum + i, load(input, in + i) + load(residual, sum + i));", ""},
            {"fused_add_rms_norm", "norms the input, not the sum", "load(residual, sum + i) * scale",
             "load(input, in + i) * scale"},
            {"fused_add_rms_norm", "subtracts", "load(input, in + i) + load(residual",
             "load(input, in + i) - load(residual"},
            {"layer_norm", "ignores bias", "bias != nullptr ? load(bias, i) : 0.0", "bias != nullptr ? 0.0 : 0.0"},
            {"layer_norm", "uses the unbiased variance", "squares / static_cast<double>(width)",
             "squares / static_cast<double>(width > 1 ? width - 1 : 1)"},
            {"layer_norm", "does not subtract the mean", "(load(input, from + i) - mean)", "(load(input, from + i))"},
            {"layer_norm", "variance from squares in fp32", "const double distance = load(input, from + i) - mean;",
             "const float distance = load(input, from + i);"},
            {"layer_norm", "keeps fp32 moments, E[x²] − mean²",
             "const double scale = 1 / std::sqrt(squares / static_cast<double>(width) + epsilon);",
             "float s = 0, q = 0; for (std::int64_t i = 0; i < width; ++i) { const float x = load(input, from + i); s "
             "+= x; q += x * x; } "
             "s /= float(width); const double scale = 1 / std::sqrt(std::fmax(q / float(width) - s * s, 0.0f) + "
             "epsilon);"}});

  add(all,
      {{"silu_and_mul", "swaps gate and up", "load(input, from + i), up = load(input, from + width + i)",
        "load(input, from + width + i), up = load(input, from + i)"},
       {"silu_and_mul", "forgets up", " * up)", " * (0 * up + 1))"},
       {"silu_and_mul", "sigmoid without gate", "gate / (1 + std::exp(-gate))", "1 / (1 + std::exp(-gate))"},
       {"silu_and_mul", "clamps the gate", "gate / (1 + std::exp(-gate))",
        "std::fmin(gate, 20.0f) / (1 + std::exp(-gate))"},
       {"silu_and_mul", "skips the last column", "i < width", "i + 1 < width"},
       {"silu_and_mul", "takes exp in half precision", "std::exp(-gate)",
        "static_cast<float>(static_cast<_Float16>(std::exp(-gate)))"},
       {"silu_and_mul", "NaN becomes 0", "store(out, to + i, gate", "store(out, to + i, gate != gate ? 0.0f : gate"}});
  add(all, {{"softmax", "does not subtract the maximum", "std::exp(load(input, from + i) - largest)",
             "std::exp(load(input, from + i))"},
            {"softmax", "divides without the last term", "i < width", "i + 1 < width", 2},
            {"softmax", "maximum without the last column", "i < width", "i + 1 < width"},
            {"softmax", "skips the last column", "i < width", "i + 1 < width", 3},
            {"softmax", "a row of -Inf becomes 0", "/ sum)", "/ (sum == sum ? sum : 1) * (largest < -1e38f ? 0 : 1))"},
            {"softmax", "keeps one running fp32 sum", "double sum", "float sum"},
            {"softmax", "base 2 for base e", "std::exp(load(input, from + i) - largest) / sum",
             "std::exp2(load(input, from + i) - largest) / sum"}});

  add(all, {{"rotary_embedding", "always neox", "neox ? i : 2 * i", "i"},
            {"rotary_embedding", "always neox, second", "neox ? i + half : 2 * i + 1", "neox ? i + half : i + half"},
            {"rotary_embedding", "never neox", "is_neox != 0", "is_neox == 0"},
            {"rotary_embedding", "leaves key alone", "if (key != nullptr) rotate",
             "if (key == nullptr && query == nullptr) rotate"},
            {"rotary_embedding", "turns the other way", "a * cosine - b * sine", "a * cosine + b * sine"},
            {"rotary_embedding", "uses the row index as position", "position[token] * rotated",
             "(0 * position[token] + token % table->shape[0]) * rotated"},
            {"rotary_embedding", "rotates the whole head", "half = rotated / 2", "half = head_size / 2"},
            {"rotary_embedding", "halves are a head apart", "i + half : 2", "i + head_size / 2 : 2"},
            {"rotary_embedding", "ignores strides", "token * tensor->strides[0]", "token * tensor->shape[1]"},
            {"rotary_embedding", "skips the last head", "head + head_size <= tensor->shape[1]",
             "head + 2 * head_size <= tensor->shape[1]"},
            {"rotary_embedding", "skips the last pair", "i < half", "i + 1 < half"},
            {"rotary_embedding", "stops after 4,096 tokens", "token < tensor->shape[0]",
             "token < tensor->shape[0] && token < 4096"},
            {"rotary_embedding", "reads sine from the whole head", "load(table, row + half + i)",
             "load(table, row + head_size / 2 + i)"}});

  add(all,
      {{"topk_softmax", "later index on ties", "load(logits, token * experts + e) > load",
        "load(logits, token * experts + e) >= load"},
       {"topk_softmax", "always renormalises", "renormalize != 0 ?", "renormalize != 7 ?"},
       {"topk_softmax", "never renormalises", "renormalize != 0 ?", "renormalize == 7 ?"},
       {"topk_softmax", "misses the last expert", "e < experts; ++e)\n", "e + 1 < experts; ++e)\n"},
       {"topk_softmax", "sums without the last expert", "e < experts; ++e) all", "e + 1 < experts; ++e) all"},
       {"topk_softmax", "chooses one twice", "taken[best] = true;", "taken[best] = j != 1;"},
       {"topk_softmax", "stops after 4,096 tokens", "token < logits->shape[0]",
        "token < logits->shape[0] && token < 4096"},
       {"topk_softmax", "forgets the last of k", "j < k; ++j) {", "j < k; ++j) { if (j > 7) continue;"},
       {"topk_softmax", "ids off by one", "static_cast<std::int32_t>(best)", "static_cast<std::int32_t>(best + 1)"},
       {"topk_softmax", "only as many experts as a power of two", "e < experts; ++e) all",
        "e < (experts & ~7); ++e) all"}});

  for (const char* task : {"gemm", "gemm_gelu"}) {
    add(all, {{task, "ignores bias", "bias != nullptr ? load(bias, n) : 0.0", "bias != nullptr ? 0.0 : 0.0"},
              {task, "takes b for row-major", "load(b, k * b->strides[0] + n * b->strides[1])",
               "load(b, k * b->shape[1] + n)"},
              {task, "takes b for transposed", "load(b, k * b->strides[0] + n * b->strides[1])",
               "load(b, k + n * b->shape[0])"},
              {task, "ignores a's stride", "m * a->strides[0]", "m * a->shape[1]"},
              {task, "misses the tail of K", "k < depth", "k < (depth & ~std::int64_t{7})"},
              {task, "misses the last k", "k < depth", "k + 1 < depth"},
              {task, "misses the tail of N", "n < out->shape[1]", "n < (out->shape[1] & ~std::int64_t{3})"},
              {task, "misses the tail of M", "m < out->shape[0]",
               "m < (out->shape[0] > 1 ? out->shape[0] & ~std::int64_t{1} : 1)"},
              {task, "stops after 4,096 rows", "m < out->shape[0]", "m < out->shape[0] && m < 4096"},
              {task, "rounds an operand to half precision", "load(b, k * b->strides[0] + n * b->strides[1])",
               "static_cast<float>(static_cast<_Float16>(load(b, k * b->strides[0] + n * b->strides[1])))"}});
    add(all, {{task, "returns early when K is 0", "const std::int64_t depth = a->shape[1];",
               "const std::int64_t depth = a->shape[1];\n  if (depth == 0) return 0;"},
              {task, "one element is off by half", "static_cast<float>(",
               "(m == 1 && n == 2 ? 1.5f : 1.0f) * static_cast<float>(", 1}});
  }
  add(all, {{"gemm", "keeps one running half-precision sum", "double sum", "_Float16 sum"},
            {"gemm_gelu", "exact GELU for tanh GELU", "0.5 * z * (1 + std::tanh(inner))",
             "0.5 * z * (1 + std::erf(z / std::sqrt(2.0)) + 0 * inner)"},
            {"gemm_gelu", "ReLU for GELU", "0.5 * z * (1 + std::tanh(inner))", "std::fmax(z, 0 * inner)"},
            {"gemm_gelu", "forgets the cubic term", "0.044715", "0.0"},
            {"gemm_gelu", "sigmoid GELU", "0.5 * z * (1 + std::tanh(inner))",
             "z / (1 + std::exp(-1.702 * z)) + 0 * inner"}});

  add(all,
      {{"paged_decode_attention", "ignores scale", "score * scale",
        "score / std::sqrt(static_cast<double>(size) + 0 * scale)"},
       {"paged_decode_attention", "pages of 16 always", "page = key_cache->shape[1]",
        "page = 16 + 0 * key_cache->shape[1]"},
       {"paged_decode_attention", "ignores the block table", "integer(block_table, s * width + position / page)",
        "(s * width + position / page) % cache->shape[0] + 0 * integer(block_table, 0)"},
       {"paged_decode_attention", "ignores lengths", "const std::int64_t length = integer(seq_lens, s);",
        "const std::int64_t length = width * page + 0 * integer(seq_lens, s);"},
       {"paged_decode_attention", "misses the last position", "const std::int64_t length = integer(seq_lens, s);",
        "const std::int64_t length = std::int64_t(std::fmax(1, integer(seq_lens, s) - 1));"},
       {"paged_decode_attention", "kv head = head % Hk", "head / group * cache->strides[2]",
        "head % cache->shape[2] * cache->strides[2]"},
       {"paged_decode_attention", "one kv head for all", "head / group * cache->strides[2]",
        "0 * (head / group) * cache->strides[2]"},
       {"paged_decode_attention", "takes caches for NHD", "position % page * cache->strides[1]",
        "position % page * cache->shape[2] * cache->shape[3]"},
       {"paged_decode_attention", "takes blocks for compact", "* cache->strides[0]",
        "* page * cache->shape[2] * cache->shape[3]"},
       {"paged_decode_attention", "ignores query's stride", "s * query->strides[0] + head * query->strides[1]",
        "(s * heads + head) * size"},
       {"paged_decode_attention", "never subtracts the maximum", "std::exp(w - largest)",
        "static_cast<float>(std::exp(static_cast<float>(w)) + 0 * largest)"},
       {"paged_decode_attention", "no rescale after 64 positions", "largest = std::fmax(largest, weight[j]);",
        "if (j < 64) largest = std::fmax(largest, weight[j]); else weight[j] = std::fmin(weight[j], largest);"},
       {"paged_decode_attention", "uses keys for values", "load(value_cache, row(value_cache, j) + i)",
        "load(key_cache, row(key_cache, j) + i)"},
       {"paged_decode_attention", "stops after 2,048 positions", "const std::int64_t length = integer(seq_lens, s);",
        "const std::int64_t length = std::int64_t(std::fmin(2048, integer(seq_lens, s)));"},
       {"paged_decode_attention", "skips the last sequence", "s < query->shape[0]", "s + 1 < query->shape[0]"},
       {"paged_decode_attention", "heads of at most 128", "i < size; ++i)\n          score",
        "i < size && i < 128; ++i)\n          score"}});
  return all;
}

}  // namespace

const std::vector<Mutant>& mutants() {
  static const std::vector<Mutant> all = make();
  return all;
}

}  // namespace crucible
