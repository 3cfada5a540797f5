#pragma once

#include <cstdint>
#include <vector>

#include "reward/novelty/features.h"

/// One-permutation MinHash and its banding.
namespace crucible::novelty {

inline constexpr int kBands = 42, kRowsPerBand = 3;

/// One permutation, 128 bins, the smallest 16 bits of each; an empty bin borrows from another, chosen by hash
/// (Shrivastava 2017). The sketch of an empty set is all zero.
Sketch sketch_of(const FeatureSet& features);

/// Share of equal bins: an estimate of the Jaccard similarity.
double agreement(const Sketch& a, const Sketch& b);

/// The keys under which a sketch is filed; equal keys in any band make two kernels candidates.
std::vector<std::uint64_t> band_keys(const Sketch& sketch, std::uint64_t salt);

}  // namespace crucible::novelty
