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

constexpr double kOfEveryOperation = 0.25, kOfThisOperation = 0.5;
constexpr std::size_t kFewest = 4;  ///< known kernels from which "most of them" means something

}  // namespace

FeatureWeights::FeatureWeights(const std::vector<const KernelFeatures*>& known) {
  if (known.size() < kFewest) return;
  std::unordered_map<std::uint64_t, std::size_t> count;
  for (const KernelFeatures* kernel : known)
    for (const FeatureSet* set : {&kernel->opcodes, &kernel->slices, &kernel->chains, &kernel->accesses})
      for (std::uint64_t feature : *set) ++count[feature];
  for (const auto& [feature, times] : count)
    if (2 * times > known.size()) common_.insert(feature);
}

double FeatureWeights::of(std::uint64_t feature) const {
  double weight = 1;
  if (std::binary_search(std::begin(kEverywhere), std::end(kEverywhere), feature)) weight *= kOfEveryOperation;
  if (common_.count(feature) != 0) weight *= kOfThisOperation;
  return weight;
}

}  // namespace crucible::novelty
