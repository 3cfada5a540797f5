#pragma once

#include <crucible/kernel.h>

/// The operators that Eigen serves, once per instruction set; signatures are CONTRACTS.md's without the stream.
#define CRUCIBLE_EIGEN_KERNELS(X)                                                                                      \
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
namespace avx512 {
CRUCIBLE_EIGEN_KERNELS(CRUCIBLE_DECLARE_KERNEL)
}
namespace avx2 {
CRUCIBLE_EIGEN_KERNELS(CRUCIBLE_DECLARE_KERNEL)
}
namespace generic {
CRUCIBLE_EIGEN_KERNELS(CRUCIBLE_DECLARE_KERNEL)
}
}  // namespace crucible::baseline
