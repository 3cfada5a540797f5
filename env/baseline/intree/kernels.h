#pragma once

#include <crucible/kernel.h>

#include <cstdint>

/// The ten entry points of one instruction-set variant. Signatures, order and meaning are CONTRACTS.md's, without the
/// stream. Each returns 0, or non-zero for a call that it does not serve.
#define CRUCIBLE_INTREE_KERNELS(X)                                                                                     \
  X(rms_norm, (DLTensor * out, const DLTensor* input, const DLTensor* weight, double epsilon),                         \
    (out, input, weight, epsilon))                                                                                     \
  X(fused_add_rms_norm, (DLTensor * input, DLTensor * residual, const DLTensor* weight, double epsilon),               \
    (input, residual, weight, epsilon))                                                                                \
  X(layer_norm, (DLTensor * out, const DLTensor* input, const DLTensor* weight, const DLTensor* bias, double epsilon), \
    (out, input, weight, bias, epsilon))                                                                               \
  X(silu_and_mul, (DLTensor * out, const DLTensor* input), (out, input))                                               \
  X(softmax, (DLTensor * out, const DLTensor* input), (out, input))                                                    \
  X(rotary_embedding,                                                                                                  \
    (const DLTensor* positions, DLTensor* query, DLTensor* key, std::int64_t head_size, const DLTensor* cos_sin_cache, \
     std::int32_t is_neox),                                                                                            \
    (positions, query, key, head_size, cos_sin_cache, is_neox))                                                        \
  X(topk_softmax, (DLTensor * weights, DLTensor * ids, const DLTensor* logits, std::int32_t renormalize),              \
    (weights, ids, logits, renormalize))                                                                               \
  X(gemm, (DLTensor * out, const DLTensor* a, const DLTensor* b, const DLTensor* bias), (out, a, b, bias))             \
  X(gemm_gelu, (DLTensor * out, const DLTensor* a, const DLTensor* b, const DLTensor* bias), (out, a, b, bias))        \
  X(paged_decode_attention,                                                                                            \
    (DLTensor * out, const DLTensor* query, const DLTensor* key_cache, const DLTensor* value_cache,                    \
     const DLTensor* block_table, const DLTensor* seq_lens, double scale),                                             \
    (out, query, key_cache, value_cache, block_table, seq_lens, scale))

#define CRUCIBLE_DECLARE_KERNEL(name, parameters, arguments) int name parameters;

namespace crucible::baseline {
namespace avx512bf16 {
CRUCIBLE_INTREE_KERNELS(CRUCIBLE_DECLARE_KERNEL)
}
namespace avx512 {
CRUCIBLE_INTREE_KERNELS(CRUCIBLE_DECLARE_KERNEL)
}
namespace avx2 {
CRUCIBLE_INTREE_KERNELS(CRUCIBLE_DECLARE_KERNEL)
}
namespace generic {
CRUCIBLE_INTREE_KERNELS(CRUCIBLE_DECLARE_KERNEL)
}
}  // namespace crucible::baseline
