#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "reward/novelty/features.h"

/// View S1: the candidate's text after preprocessing, names and numbers forgotten.
namespace crucible::novelty {

inline constexpr std::size_t kMostTokens = 16384;

/// Normalised tokens of C++ or CUDA text. Comments, layout and linemarkers vanish; every name but keywords and compiler
/// intrinsics becomes one token, every number another, every string a third. Stops at kMostTokens.
std::vector<std::uint16_t> normalized_tokens(std::string_view text);

/// Winnowed fingerprints: of every window of four consecutive 5-grams the smallest hash (Schleimer et al. 2003).
FeatureSet winnow(const std::vector<std::uint16_t>& tokens);

/// 2·covered / (|a| + |b|): the share of both texts covered by common runs of at least 12 tokens, taken greedily from
/// left to right, longest first at each position. In [0, 1].
double tiling_similarity(const std::vector<std::uint16_t>& a, const std::vector<std::uint16_t>& b);

}  // namespace crucible::novelty
