#pragma once

#include <crucible/kernel.h>

#include <cstdint>

/// What every baseline plug-in needs to read a call (CONTRACTS.md, "Tensors"). Plug-ins are separate libraries: nothing
/// here has external linkage.
#define CRUCIBLE_BASELINE_EXPORT extern "C" __attribute__((visibility("default")))

namespace crucible::baseline {
namespace {

/// What a plug-in answers for a call that it cannot serve.
[[maybe_unused]] constexpr int kNotServed = 1;

[[maybe_unused]] inline bool is_f32(const DLTensor* tensor) {
  return tensor->dtype.code == kDLFloat && tensor->dtype.bits == 32;
}
[[maybe_unused]] inline bool is_bf16(const DLTensor* tensor) {
  return tensor->dtype.code == kDLBfloat && tensor->dtype.bits == 16;
}

/// Address of the first element; meaningless (perhaps NULL) when there is none.
template <class T>
inline T* first(const DLTensor* tensor) {
  return reinterpret_cast<T*>(static_cast<char*>(tensor->data) + tensor->byte_offset);
}

/// The rows [..., D] of a tensor of 1 to 3 dimensions, whatever its leading strides.
template <class T>
struct Rows {
  T* base = nullptr;
  std::int64_t count = 1;         ///< rows
  std::int64_t length = 0;        ///< D
  std::int64_t inner = 1;         ///< rows of the second-last dimension
  std::int64_t inner_stride = 0;  ///< elements
  std::int64_t outer_stride = 0;  ///< elements

  explicit Rows(const DLTensor* tensor) : base(first<T>(tensor)) {
    const int dimensions = tensor->ndim;
    length = tensor->shape[dimensions - 1];
    if (dimensions >= 2) {
      inner = count = tensor->shape[dimensions - 2];
      inner_stride = outer_stride = tensor->strides[dimensions - 2];
    }
    if (dimensions >= 3) {
      outer_stride = tensor->strides[dimensions - 3];
      count = inner * tensor->shape[dimensions - 3];
      if (outer_stride == inner * inner_stride) inner = count;  // one stride serves all rows
    }
  }

  T* row(std::int64_t index) const {
    if (index < inner) return base + index * inner_stride;
    return base + index / inner * outer_stride + index % inner * inner_stride;
  }

  /// Whether one stride leads from each row to the next.
  bool single_stride() const { return inner == count || count == 0; }
  bool empty() const { return count == 0 || length == 0; }
};

}  // namespace
}  // namespace crucible::baseline
