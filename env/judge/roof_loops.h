#pragma once

#include <cstddef>

namespace crucible {

/// The loops of which a roof is measured, with the widest vectors of this processor.
struct RoofLoops {
  void (*read)(const float* from, std::size_t n);
  void (*write)(float* to, std::size_t n);
  void (*copy)(const float* from, float* to, std::size_t n);
  double (*multiply_add)(int rounds);        ///< returns the operations done (two a fused multiply-add)
  double (*bf16_dot)(int rounds) = nullptr;  ///< likewise with bf16 dot products; null where there are none
  bool bf16_elsewhere = false;               ///< bf16 products also run on a unit that is not measured here (AMX)
};

RoofLoops roof_loops();

}  // namespace crucible
