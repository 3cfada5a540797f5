#include "env/backend/cuda/task_oracle.h"

#include <algorithm>
#include <array>
#include <stdexcept>

namespace crucible {
namespace {

struct KnownTask {
  std::string_view name;
  CrucibleTaskOperation operation;
  /// The argument that makes each call of a chain new. Empty where remembering saves nothing: what identifies an output
  /// has to be read, and the output written, anyway.
  std::string_view refreshed;
};

constexpr std::int64_t kMostAlignedEntries = 65536;  // what alignment_oracle.cuh can mark as seen

constexpr std::int64_t kProductsJudged = 2'000'000'000;  // of one call; of a larger one, rows are drawn

constexpr std::array kTasks{
    KnownTask{"gemm", CRUCIBLE_GEMM, "a"},
    KnownTask{"gemm_gelu", CRUCIBLE_GEMM_GELU, "a"},
    KnownTask{"rotary_embedding", CRUCIBLE_ROTARY_EMBEDDING, ""},
    KnownTask{"topk_softmax", CRUCIBLE_TOPK_SOFTMAX, "logits"},
    KnownTask{"paged_decode_attention", CRUCIBLE_PAGED_DECODE_ATTENTION, "query"},
    KnownTask{"embedding", CRUCIBLE_EMBEDDING, ""},
    KnownTask{"moe_sum", CRUCIBLE_MOE_SUM, "input"},
    KnownTask{"merge_attn_states", CRUCIBLE_MERGE_ATTN_STATES, "prefix"},
    KnownTask{"reshape_and_cache", CRUCIBLE_RESHAPE_AND_CACHE, ""},
    KnownTask{"per_token_group_quant_fp8", CRUCIBLE_PER_TOKEN_GROUP_QUANT_FP8, "input"},
    KnownTask{"moe_align_block_size", CRUCIBLE_MOE_ALIGN_BLOCK_SIZE, "topk_ids"},
};

std::uint32_t element_of(DType dtype) {
  switch (dtype) {
    case DType::f32:
      return CRUCIBLE_F32;
    case DType::f16:
      return CRUCIBLE_F16;
    case DType::bf16:
      return CRUCIBLE_BF16;
    case DType::f8e4m3:
      return CRUCIBLE_F8E4M3;
    case DType::i32:
      return CRUCIBLE_I32;
    case DType::i64:
      return CRUCIBLE_I64;
  }
  return CRUCIBLE_F32;
}

CrucibleOracleTensor placed(const TensorLayout& tensor, const OraclePlace& place) {
  if (place.rows != 0 && (tensor.shape.size() != 2 || tensor.shape[0] != place.rows))
    throw std::invalid_argument("an oracle follows permuted rows of matrices only");
  CrucibleOracleTensor made = {};
  made.base = place.base;
  for (std::size_t i = 0; i < tensor.shape.size(); ++i) {
    made.shape[i] = tensor.shape[i];
    made.stride[i] = tensor.strides[i];
  }
  made.element = element_of(tensor.dtype);
  made.rows = place.rows;
  made.multiplier = place.multiplier;
  made.offset = place.offset;
  return made;
}

}  // namespace

std::optional<TaskOracle> TaskOracle::find(std::string_view task, const CallLayout& layout) {
  const auto known = std::find_if(kTasks.begin(), kTasks.end(), [&](const KnownTask& t) { return t.name == task; });
  if (known == kTasks.end()) return std::nullopt;
  std::size_t tensors = 0;
  for (const Argument& a : layout.arguments) {
    if (a.kind == Argument::Kind::tensor && a.tensor.shape.size() > CRUCIBLE_ORACLE_AXES) return std::nullopt;
    tensors += a.kind == Argument::Kind::tensor || a.kind == Argument::Kind::absent_tensor;
  }
  if (tensors > CRUCIBLE_ORACLE_TENSORS) return std::nullopt;
  if (known->operation == CRUCIBLE_MOE_ALIGN_BLOCK_SIZE &&
      layout.arguments[layout.index_of("topk_ids")].tensor.element_count() > kMostAlignedEntries)
    return std::nullopt;
  TaskOracle oracle;
  oracle.layout_ = layout;
  oracle.operation_ = known->operation;
  if (!known->refreshed.empty()) oracle.refreshed_.emplace_back(known->refreshed);
  return oracle;
}

CrucibleTaskJob TaskOracle::job(const std::vector<OraclePlace>& before, const std::vector<OraclePlace>& after) const {
  if (before.size() != layout_.arguments.size() || after.size() != before.size())
    throw std::invalid_argument("an oracle needs a place for every argument");
  CrucibleTaskJob job = {};
  job.operation = operation_;
  job.row_step = 1;
  if (operation_ == CRUCIBLE_GEMM || operation_ == CRUCIBLE_GEMM_GELU) {
    const TensorLayout& out = layout_.arguments[0].tensor;
    const std::int64_t products = out.element_count() * layout_.arguments[1].tensor.shape[1];
    const std::int64_t step = std::min(out.shape[0], (products + kProductsJudged - 1) / kProductsJudged);
    job.row_step = static_cast<std::uint32_t>(std::max<std::int64_t>(1, step));
  }
  std::size_t tensor = 0, integer = 0;
  for (std::size_t a = 0; a < layout_.arguments.size(); ++a) {
    const Argument& argument = layout_.arguments[a];
    switch (argument.kind) {
      case Argument::Kind::tensor:
        job.before[tensor] = placed(argument.tensor, before[a]);
        job.after[tensor] = placed(argument.tensor, after[a]);
        ++tensor;
        break;
      case Argument::Kind::absent_tensor:
        ++tensor;
        break;
      case Argument::Kind::float64:
        job.real = argument.real;
        break;
      default:
        if (integer < std::size(job.integer)) job.integer[integer++] = argument.integer;
    }
  }
  return job;
}

}  // namespace crucible
