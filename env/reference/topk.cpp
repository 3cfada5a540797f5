#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <numeric>

#include "env/reference/arguments.h"
#include "env/reference/operators.h"

namespace crucible {
namespace {

constexpr double kNearTie = 0x1p-20;  // relative distance of probabilities that may swap places
constexpr double kVanishing = 0x1p-126;

/// One row's experts in the contract's order, with their probabilities.
class Ranking {
 public:
  explicit Ranking(const double* logits, std::size_t experts)
      : logits_(logits), order_(experts), probability_(experts) {
    std::iota(order_.begin(), order_.end(), 0u);
    std::stable_sort(order_.begin(), order_.end(), [&](auto a, auto b) { return logits[a] > logits[b]; });
    double sum = 0;
    for (std::size_t e = 0; e < experts; ++e) sum += probability_[e] = std::exp(logits[e] - largest());
    for (double& p : probability_) p /= sum;
  }

  double largest() const { return logits_[order_.front()]; }
  std::size_t experts() const { return order_.size(); }
  std::uint32_t at(std::size_t rank) const { return order_[rank]; }
  double probability(std::uint32_t expert) const { return probability_[expert]; }
  double logit(std::uint32_t expert) const { return logits_[expert]; }

  bool near(std::uint32_t a, std::uint32_t b) const {
    const double high = std::max(probability_[a], probability_[b]);
    return std::fabs(probability_[a] - probability_[b]) <= kNearTie * high || high < kVanishing;
  }
  /// Equal logits are ordered by index, however near.
  bool may_swap(std::uint32_t a, std::uint32_t b) const { return logits_[a] != logits_[b] && near(a, b); }

  /// The experts other than at(rank) that may stand at `rank`; empty unless some unequal logit is near.
  std::vector<std::uint32_t> alternatives(std::size_t rank) const {
    std::vector<std::uint32_t> result;
    bool free = false;
    const auto consider = [&](std::size_t other) {
      if (!near(at(rank), at(other))) return false;
      free = free || logits_[at(rank)] != logits_[at(other)];
      result.push_back(at(other));
      return true;
    };
    for (std::size_t other = rank; other-- > 0 && consider(other);) {
    }
    for (std::size_t other = rank + 1; other < experts() && consider(other); ++other) {
    }
    if (!free) result.clear();
    return result;
  }

 private:
  const double* logits_;
  std::vector<std::uint32_t> order_;
  std::vector<double> probability_;
};

class TopkSoftmax final : public Reference {
 public:
  std::vector<ExpectedOutput> compute(const CallView& inputs) const override {
    const Arguments call(inputs);
    const std::vector<double> logits = call.values("logits");
    const std::size_t experts = call.extent("logits", 1), k = call.extent("weights", 1);
    const bool renormalize = call.integer("renormalize") != 0;
    ExpectedOutput weights = call.expected("weights"), ids;
    weights.flush.assign(weights.value.size(), 1.0);
    weights.extra.assign(weights.value.size(), 0.0);
    ids.argument = call.index("ids");
    ids.exact = true;
    ids.bytes.resize(weights.value.size() * sizeof(std::int32_t));
    for (std::size_t row = 0; row * k < weights.value.size(); ++row) {
      const Ranking ranking(&logits[row * experts], experts);
      double sum = 0;
      for (std::size_t j = 0; j < k; ++j) sum += ranking.probability(ranking.at(j));
      const double divisor = renormalize ? sum : 1;
      double widest = 0;
      for (std::size_t j = 0; j < k; ++j) {
        const std::size_t at = row * k + j;
        const std::uint32_t expert = ranking.at(j);
        weights.value[at] = ranking.probability(expert) / divisor;
        weights.magnitude[at] =
            weights.value[at] == 0 ? 0 : weights.value[at] * (1 + std::fabs(ranking.logit(expert) - ranking.largest()));
        const auto id = static_cast<std::int32_t>(expert);
        std::memcpy(ids.bytes.data() + at * sizeof id, &id, sizeof id);
        for (std::uint32_t other : ranking.alternatives(j)) {
          ids.custom = true;
          ids.alternatives.push_back({at, other});
          const double spread = std::fabs(ranking.probability(other) - ranking.probability(expert)) / divisor;
          weights.extra[at] = std::max(weights.extra[at], spread);
          widest = std::max(widest, spread);
        }
      }
      // A swap across the k-th place changes the sum that renormalisation divides by.
      if (renormalize)
        for (std::size_t at = row * k; at < (row + 1) * k; ++at) weights.extra[at] += weights.value[at] * widest;
    }
    return {std::move(weights), std::move(ids)};
  }

  std::optional<std::string> check_custom(const CallView& inputs, const CallView& outputs) const override {
    const Arguments call(inputs), after(outputs);
    const std::vector<double> logits = call.values("logits");
    const std::vector<std::int64_t> ids = after.integers("ids");
    const std::size_t experts = call.extent("logits", 1), k = call.extent("weights", 1);
    for (std::size_t row = 0; row * k < ids.size(); ++row)
      if (auto why = check_row(Ranking(&logits[row * experts], experts), &ids[row * k], k))
        return "ids: row " + std::to_string(row) + ": " + *why;
    return std::nullopt;
  }

 private:
  /// Every pair of experts that stands in the wrong order must be allowed to swap.
  static std::optional<std::string> check_row(const Ranking& ranking, const std::int64_t* ids, std::size_t k) {
    constexpr std::size_t kUnchosen = std::numeric_limits<std::size_t>::max();
    std::vector<std::size_t> place(ranking.experts(), kUnchosen);
    for (std::size_t j = 0; j < k; ++j) {
      if (ids[j] < 0 || ids[j] >= static_cast<std::int64_t>(ranking.experts()))
        return "expert " + std::to_string(ids[j]) + " does not exist";
      if (place[static_cast<std::size_t>(ids[j])] != kUnchosen)
        return "expert " + std::to_string(ids[j]) + " is chosen twice";
      place[static_cast<std::size_t>(ids[j])] = j;
    }
    for (std::size_t better = 0; better < ranking.experts(); ++better) {
      bool all_chosen_before = true;
      for (std::size_t worse = better + 1; worse < ranking.experts(); ++worse) {
        const std::uint32_t a = ranking.at(better), b = ranking.at(worse);
        if (place[b] == kUnchosen || place[b] > place[a]) continue;
        all_chosen_before = false;
        if (!ranking.may_swap(a, b))
          return "expert " + std::to_string(b) + " stands before expert " + std::to_string(a) +
                 ", which is more likely or comes first";
      }
      if (place[ranking.at(better)] == kUnchosen && all_chosen_before) break;
    }
    return std::nullopt;
  }
};

}  // namespace

std::shared_ptr<const Reference> topk_softmax_reference() { return std::make_shared<TopkSoftmax>(); }

}  // namespace crucible
