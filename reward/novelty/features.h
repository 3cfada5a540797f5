#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace crucible {

/// What the cpu backend's compiler says about one candidate. All text is hostile: it is read with bounds, never
/// trusted.
struct CpuSource {
  std::string_view preprocessed;  ///< the candidate's own lines after preprocessing (linemarkers allowed)
  std::string_view gimple;        ///< `-fdump-tree-lim2-lineno` of the same compile; may be empty
  std::string_view assembly;      ///< `-save-temps` assembly of the same compile (AT&T); may be empty
  std::string_view entry_point;   ///< only code reachable from it counts
};

/// What the cuda backend's compiler says about one candidate.
struct CudaSource {
  std::string_view preprocessed;              ///< the candidate's own lines after preprocessing
  std::string_view ptx;                       ///< compiled by us with fixed flags
  std::vector<std::string> launched_kernels;  ///< mangled names that were launched; empty: every entry counts
};

/// One optimization technique that the code shows, with where it shows it. Evidence comes from code, never comments.
struct Technique {
  std::string name;      ///< "fused multiply-add", "tensor cores", …
  std::string evidence;  ///< the instruction or statement, shortened
  int line = 0;          ///< line of the candidate's source; 0 where the compiler gave none
  bool operator==(const Technique&) const = default;
};

/// A set of 64-bit feature hashes: sorted, distinct.
using FeatureSet = std::vector<std::uint64_t>;

/// 128 one-permutation MinHash values of 16 bits.
using Sketch = std::array<std::uint16_t, 128>;

/// Everything that novelty needs to know about one kernel: a compact value (a few KiB), independent of the text it
/// came from. Compare only features of one version and backend.
struct KernelFeatures {
  static constexpr std::uint32_t kVersion = 6;

  std::string backend;                ///< "cpu" or "cuda"
  std::vector<std::uint16_t> tokens;  ///< S1: normalised tokens of the source, at most 16,384
  FeatureSet fingerprints;            ///< S1: winnowed 5-grams of those tokens
  FeatureSet opcodes;                 ///< S2: operation 1- to 3-grams per basic block
  FeatureSet slices;                  ///< S3: Weisfeiler-Lehman hashes of backward slices from stores
  FeatureSet chains;                  ///< S3c: def-use paths of two and three operations; junk adds some, removes none
  FeatureSet accesses;                ///< S4: how each memory access walks through its loop nest
  std::vector<Technique> techniques;  ///< T, at most 32
  Sketch sketch{};                    ///< of slices, accesses and (where those are empty) fingerprints
  std::string failure;                ///< why the analyser failed; empty when it did not

  bool operator==(const KernelFeatures&) const = default;
};

/// Never throws for hostile text: a failure is a value. Bounded in time and memory whatever the text holds.
KernelFeatures extract_features(const CpuSource& source);
KernelFeatures extract_features(const CudaSource& source);

/// Compact, versioned, little-endian bytes.
std::string to_bytes(const KernelFeatures& features);

/// Inverse of to_bytes. Throws std::runtime_error when the bytes are of another version, truncated or inconsistent.
KernelFeatures features_from_bytes(std::string_view bytes);

}  // namespace crucible
