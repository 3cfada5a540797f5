#include "reward/novelty/known_set.h"

#include <algorithm>
#include <bit>
#include <cstdio>
#include <stdexcept>
#include <unordered_map>

#include "reward/novelty/codec.h"
#include "reward/novelty/hashing.h"
#include "reward/novelty/sketch.h"

namespace crucible {
namespace {

constexpr std::uint32_t kMagic = 0x534e5243;  // "CRNS"
constexpr std::uint32_t kVersion = 1;
constexpr std::size_t kMostPerBucket = 256;  ///< near-copies beyond this many tell nothing new

std::string bytes_of(const KnownKernel& kernel) {
  novelty::Writer out;
  out.text(kernel.name);
  out.text(kernel.task);
  out.text(kernel.origin);
  out.number(kernel.speedup.has_value(), 1);
  out.number(std::bit_cast<std::uint64_t>(kernel.speedup.value_or(0)), 8);
  out.text(to_bytes(kernel.features));
  return out.take();
}

KnownKernel kernel_from(std::string_view bytes) {
  novelty::Reader in(bytes);
  KnownKernel kernel;
  kernel.name = in.text();
  kernel.task = in.text();
  kernel.origin = in.text();
  const bool has_speedup = in.number(1) != 0;
  const double speedup = std::bit_cast<double>(in.number(8));
  if (has_speedup) kernel.speedup = speedup;
  kernel.features = features_from_bytes(in.text());
  in.expect_end();
  return kernel;
}

}  // namespace

struct KnownSet::State {
  std::vector<std::shared_ptr<const KnownKernel>> kernels;
  std::vector<std::pair<std::uint64_t, std::uint32_t>> bands;           ///< (band key, kernel), sorted
  std::size_t sorted = 0;                                               ///< bands up to here are in order
  std::unordered_map<std::string, std::vector<std::uint32_t>> by_task;  ///< those that compare, in order of addition
  std::unordered_map<std::string, novelty::FeatureWeights> weights;
  std::unordered_map<std::string, std::vector<std::uint32_t>> known_by_task;  ///< of by_task, those of origin "known"
  std::unordered_map<std::string, double> best_by_task;
  std::uint64_t sums[2] = {0, 0};  ///< order does not matter
  std::string hash;

  void add(std::shared_ptr<const KnownKernel> kernel) {
    const auto index = static_cast<std::uint32_t>(kernels.size());
    const std::uint64_t content = novelty::hash_text(bytes_of(*kernel));
    sums[0] += content;
    sums[1] += novelty::mix(content ^ 0xa5a5a5a5a5a5a5a5ull);
    if (kernel->speedup) {
      const auto [best, first] = best_by_task.emplace(kernel->task, *kernel->speedup);
      if (!first) best->second = std::max(best->second, *kernel->speedup);
    }
    if (kernel->features.failure.empty()) {
      if (kernel->origin == "known") known_by_task[kernel->task].push_back(index);
      by_task[kernel->task].push_back(index);
      for (std::uint64_t key : novelty::band_keys(kernel->features.sketch, novelty::hash_text(kernel->task)))
        bands.emplace_back(key, index);
    }
    kernels.push_back(std::move(kernel));
  }

  void seal() {
    const auto middle = bands.begin() + static_cast<std::ptrdiff_t>(sorted);
    std::sort(middle, bands.end());
    std::inplace_merge(bands.begin(), middle, bands.end());
    sorted = bands.size();
    weights.clear();
    for (const auto& [task, indices] : known_by_task) {
      std::vector<const KernelFeatures*> known;
      for (std::uint32_t index : indices) known.push_back(&kernels[index]->features);
      weights.emplace(task, novelty::FeatureWeights(known));
    }
    char text[40];
    std::snprintf(text, sizeof text, "%016llx%016llx",
                  static_cast<unsigned long long>(novelty::mix(sums[0] + kernels.size())),
                  static_cast<unsigned long long>(novelty::mix(sums[1])));
    hash = text;
  }
};

KnownSet::KnownSet() : KnownSet(std::vector<KnownKernel>{}) {}

KnownSet::KnownSet(std::vector<KnownKernel> kernels) {
  auto state = std::make_shared<State>();
  for (KnownKernel& kernel : kernels) state->add(std::make_shared<const KnownKernel>(std::move(kernel)));
  state->seal();
  state_ = std::move(state);
}

KnownSet KnownSet::with(KnownKernel kernel) const {
  auto state = std::make_shared<State>(*state_);
  state->add(std::make_shared<const KnownKernel>(std::move(kernel)));
  state->seal();
  KnownSet out;
  out.state_ = std::move(state);
  return out;
}

std::size_t KnownSet::size() const { return state_->kernels.size(); }
const KnownKernel& KnownSet::at(std::size_t index) const { return *state_->kernels.at(index); }
const std::string& KnownSet::hash() const { return state_->hash; }

std::vector<std::uint32_t> KnownSet::candidates(const KernelFeatures& features, std::string_view task,
                                                std::size_t limit) const {
  const auto found = state_->by_task.find(std::string(task));
  if (found == state_->by_task.end()) return {};
  const std::vector<std::uint32_t>& all = found->second;
  if (all.size() <= limit) return all;

  std::vector<std::uint32_t> near;
  for (std::uint64_t key : novelty::band_keys(features.sketch, novelty::hash_text(task))) {
    auto at = std::lower_bound(state_->bands.begin(), state_->bands.end(), std::pair{key, std::uint32_t{0}});
    for (std::size_t n = 0; at != state_->bands.end() && at->first == key && n < kMostPerBucket; ++at, ++n)
      near.push_back(at->second);
  }
  std::sort(near.begin(), near.end());
  near.erase(std::unique(near.begin(), near.end()), near.end());

  // Containment is invisible to MinHash, so the frozen set, which is small, is always among those compared exactly.
  std::vector<std::uint32_t> out;
  if (const auto known = state_->known_by_task.find(std::string(task)); known != state_->known_by_task.end())
    out.assign(known->second.begin(),
               known->second.begin() + static_cast<std::ptrdiff_t>(std::min(known->second.size(), limit / 2)));
  std::vector<std::pair<double, std::uint32_t>> ranked;
  ranked.reserve(near.size());
  for (std::uint32_t index : near)
    if (!std::binary_search(out.begin(), out.end(), index))
      ranked.emplace_back(-novelty::agreement(features.sketch, state_->kernels[index]->features.sketch), index);
  const std::size_t wanted = std::min(ranked.size(), limit - out.size());
  std::partial_sort(ranked.begin(), ranked.begin() + static_cast<std::ptrdiff_t>(wanted), ranked.end());
  for (std::size_t i = 0; i < wanted; ++i) out.push_back(ranked[i].second);
  return out;
}

const novelty::FeatureWeights& KnownSet::weights(std::string_view task) const {
  static const novelty::FeatureWeights none;
  const auto found = state_->weights.find(std::string(task));
  return found == state_->weights.end() ? none : found->second;
}

std::optional<double> KnownSet::best_speedup(std::string_view task) const {
  const auto found = state_->best_by_task.find(std::string(task));
  if (found == state_->best_by_task.end()) return std::nullopt;
  return found->second;
}

std::string KnownSet::to_bytes() const {
  novelty::Writer out;
  out.number(kMagic, 4);
  out.number(kVersion, 4);
  out.number(size(), 4);
  for (const auto& kernel : state_->kernels) out.text(bytes_of(*kernel));
  return out.take();
}

KnownSet KnownSet::from_bytes(std::string_view bytes) {
  novelty::Reader in(bytes);
  if (in.number(4) != kMagic) throw std::runtime_error("this is not a stored set of known kernels");
  if (in.number(4) != kVersion) throw std::runtime_error("the stored set of known kernels has another version");
  const std::uint64_t count = in.number(4);
  std::vector<KnownKernel> kernels;
  for (std::uint64_t i = 0; i < count; ++i) kernels.push_back(kernel_from(in.text()));
  in.expect_end();
  return KnownSet(std::move(kernels));
}

}  // namespace crucible
