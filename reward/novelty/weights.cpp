#include "reward/novelty/weights.h"

#include <algorithm>
#include <iterator>
#include <unordered_map>

namespace crucible::novelty {
namespace {

/// Sorted features that kernels of at least three operations share.
constexpr std::uint64_t kEverywhere[] = {
#include "reward/novelty/weights_table.inc"
};

constexpr float kOfEveryOperation = 0.25f, kOfThisOperation = 0.5f;
constexpr std::size_t kFewest = 4;  ///< known kernels from which "most of them" means something

}  // namespace

FeatureWeights::FeatureWeights() {
  for (std::uint64_t feature : kEverywhere) special_.emplace_back(feature, kOfEveryOperation);
  seal();
}

FeatureWeights::FeatureWeights(const std::vector<const KernelFeatures*>& known) : FeatureWeights() {
  if (known.size() < kFewest) return;
  std::unordered_map<std::uint64_t, std::size_t> count;
  for (const KernelFeatures* kernel : known)
    for (const FeatureSet* set : {&kernel->opcodes, &kernel->slices, &kernel->chains, &kernel->accesses})
      for (std::uint64_t feature : *set) ++count[feature];
  std::vector<std::pair<std::uint64_t, float>> more;
  for (const auto& [feature, times] : count)
    if (2 * times > known.size()) more.emplace_back(feature, of(feature) * kOfThisOperation);
  std::erase_if(special_, [&](const auto& entry) {
    const auto found = count.find(entry.first);
    return found != count.end() && 2 * found->second > known.size();
  });
  special_.insert(special_.end(), more.begin(), more.end());
  seal();
}

void FeatureWeights::seal() {
  std::sort(special_.begin(), special_.end());
  for (const auto& [feature, weight] : special_) filter_[feature >> 54] |= std::uint64_t{1} << (feature >> 48 & 63);
}

float FeatureWeights::listed(std::uint64_t feature) const {
  const auto at = std::lower_bound(special_.begin(), special_.end(), std::pair{feature, 0.0f});
  return at != special_.end() && at->first == feature ? at->second : 1.0f;
}

}  // namespace crucible::novelty
