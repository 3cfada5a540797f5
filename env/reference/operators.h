#pragma once

#include <memory>

#include "env/reference/reference.h"

namespace crucible {

/// The oracles of the tasks that both backends have; formulas and magnitudes are CONTRACTS.md's.
std::shared_ptr<const Reference> rms_norm_reference();
std::shared_ptr<const Reference> fused_add_rms_norm_reference();
std::shared_ptr<const Reference> layer_norm_reference();
std::shared_ptr<const Reference> silu_and_mul_reference();
std::shared_ptr<const Reference> softmax_reference();
std::shared_ptr<const Reference> rotary_embedding_reference();
std::shared_ptr<const Reference> topk_softmax_reference();
std::shared_ptr<const Reference> gemm_reference();
std::shared_ptr<const Reference> gemm_gelu_reference();
std::shared_ptr<const Reference> paged_decode_attention_reference();

/// The oracles of tasks of the cuda backend alone.
std::shared_ptr<const Reference> embedding_reference();
std::shared_ptr<const Reference> moe_sum_reference();
std::shared_ptr<const Reference> merge_attn_states_reference();
std::shared_ptr<const Reference> reshape_and_cache_reference();
std::shared_ptr<const Reference> per_token_group_quant_fp8_reference();
std::shared_ptr<const Reference> moe_align_block_size_reference();

}  // namespace crucible
