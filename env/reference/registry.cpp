#include "env/reference/registry.h"

#include <map>
#include <mutex>
#include <stdexcept>
#include <utility>

#include "env/reference/operators.h"

namespace crucible {
namespace {

using Table = std::map<std::string, std::shared_ptr<const Reference>, std::less<>>;

struct Registry {
  std::mutex mutex;
  Table references{{"rms_norm", rms_norm_reference()},
                   {"fused_add_rms_norm", fused_add_rms_norm_reference()},
                   {"layer_norm", layer_norm_reference()},
                   {"silu_and_mul", silu_and_mul_reference()},
                   {"softmax", softmax_reference()},
                   {"rotary_embedding", rotary_embedding_reference()},
                   {"topk_softmax", topk_softmax_reference()},
                   {"gemm", gemm_reference()},
                   {"gemm_gelu", gemm_gelu_reference()},
                   {"paged_decode_attention", paged_decode_attention_reference()},
                   {"embedding", embedding_reference()},
                   {"moe_sum", moe_sum_reference()},
                   {"merge_attn_states", merge_attn_states_reference()},
                   {"reshape_and_cache", reshape_and_cache_reference()},
                   {"per_token_group_quant_fp8", per_token_group_quant_fp8_reference()},
                   {"moe_align_block_size", moe_align_block_size_reference()}};
};

Registry& registry() {
  static Registry instance;
  return instance;
}

}  // namespace

std::shared_ptr<const Reference> reference_for(std::string_view task) {
  const std::lock_guard lock(registry().mutex);
  const auto found = registry().references.find(task);
  return found == registry().references.end() ? nullptr : found->second;
}

void register_reference(const std::string& task, std::shared_ptr<const Reference> reference) {
  const std::lock_guard lock(registry().mutex);
  if (!registry().references.emplace(task, std::move(reference)).second)
    throw std::invalid_argument("task '" + task + "' has a reference already");
}

}  // namespace crucible
