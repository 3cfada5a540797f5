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
  X(softmax, (DLTensor * out, const DLTensor* input), (out, input))

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
