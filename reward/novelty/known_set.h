#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "reward/novelty/features.h"
#include "reward/novelty/weights.h"

namespace crucible {

/// One kernel that is known: production or textbook (written by us), or discovered and archived.
struct KnownKernel {
  std::string name;               ///< unique within its task
  std::string task;               ///< only kernels of the candidate's task are compared
  std::string origin = "known";   ///< "known" or "discovered"
  std::optional<double> speedup;  ///< over the best baseline, on this device, where measured
  KernelFeatures features;
};

/// An immutable set of known kernels with an index over their sketches. Cheap to copy (shared); safe to read from many
/// threads. Growth makes a new set, so whoever holds the old one keeps seeing the old one.
class KnownSet {
 public:
  KnownSet();
  explicit KnownSet(std::vector<KnownKernel> kernels);

  /// A new set with `kernel` in it; this one is unchanged.
  KnownSet with(KnownKernel kernel) const;

  std::size_t size() const;
  /// In order of addition.
  const KnownKernel& at(std::size_t index) const;

  /// 128-bit content hash, 32 hex digits: the same kernels in any order give the same hash.
  const std::string& hash() const;

  /// At most `limit` indices of kernels of `task` that may be near: all of them while there are few, else those of
  /// origin "known" and the best estimates of the index. A failed analysis is never among them.
  std::vector<std::uint32_t> candidates(const KernelFeatures& features, std::string_view task, std::size_t limit) const;

  /// What the task's kernels of origin "known" have in common.
  const novelty::FeatureWeights& weights(std::string_view task) const;

  /// The best speedup of any kernel of `task`; empty when none was measured.
  std::optional<double> best_speedup(std::string_view task) const;

  /// One compact byte string, and back (throws std::runtime_error on anything inconsistent).
  std::string to_bytes() const;
  static KnownSet from_bytes(std::string_view bytes);

 private:
  struct State;
  std::shared_ptr<const State> state_;
};

}  // namespace crucible
