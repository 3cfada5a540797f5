#pragma once

#include <cstdint>

namespace crucible::novelty {

/// Inverse document frequency of a feature: what almost every kernel has weighs little.
inline double weight(std::uint64_t) { return 1; }

}  // namespace crucible::novelty
