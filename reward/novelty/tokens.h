#pragma once

#include <cstdint>
#include <string_view>
#include <utility>
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

/// Tiles texts with runs of one text, whose places are looked up once.
class Tiler {
 public:
  /// Keeps a reference to `text`.
  explicit Tiler(const std::vector<std::uint16_t>& text);

  /// 2·covered / (|text| + |other|): the share of both texts covered by common runs of at least 12 tokens, taken
  /// greedily along `other`, longest first at each position. In [0, 1].
  double similarity(const std::vector<std::uint16_t>& other) const;

 private:
  const std::vector<std::uint16_t>& text_;
  std::vector<std::pair<std::uint64_t, std::uint32_t>> places_;  ///< (hash of a run, where it begins), sorted
  std::vector<std::uint64_t> filter_;                            ///< one bit for each hash's low bits
};

}  // namespace crucible::novelty
