#pragma once

#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "reward/evaluation.h"

namespace crucible {

/// One named part of a reward and what it contributed.
struct RewardTerm {
  std::string name;  ///< "verdict", "partial", "correctness", "speedup", "novelty", "replica", …; unique in a reward
  double value = 0;  ///< what this term added to the reward
  std::string why;   ///< one sentence with the figures that went in
};

/// A scalar reward and its parts. The terms add up to `reward` to 1e-12. NaN (and no terms) for infrastructure_error.
struct Reward {
  double reward = 0;
  std::vector<RewardTerm> terms;
};

/// A reward model's numbers; every one is YAML, each term has a switch.
struct RewardSettings {
  std::string model = "crucible";         ///< one of reward_model_names()
  std::map<std::string, double> numbers;  ///< the model's parameters by name; missing ones take the model's defaults
  /// One for each of the eleven verdicts: what a failure is paid, what correctness alone earns, NaN for
  /// infrastructure_error.
  std::map<Verdict, double> prices;
};

/// Turns facts into one number. Pure, immutable, thread-safe: the same Evaluation gives the same bits.
class RewardModel {
 public:
  virtual ~RewardModel() = default;
  virtual Reward score(const Evaluation& evaluation) const = 0;
  /// With every number and price filled in.
  virtual const RewardSettings& settings() const = 0;
};

/// What is wrong with settings: the key ("model", "prices.crashed", "speedup.weight") and the fix.
struct SettingsProblem {
  std::string key;
  std::string message;
};

/// The first problem of `settings`: unknown model or number, a price that is missing, a cheat priced above an honest
/// failure, a failure priced above correctness, a value out of its range. Empty when there is none.
std::optional<SettingsProblem> find_problem(const RewardSettings& settings);

/// Builds a model; throws std::invalid_argument ("key: fix") when find_problem() finds one.
std::shared_ptr<const RewardModel> make_reward_model(const RewardSettings& settings);

/// The published or designed settings of a model, complete. Throws std::invalid_argument for an unknown model.
RewardSettings default_settings(const std::string& model = "crucible");

/// Names of all models, sorted; and the parameters of one with default, range and one line of documentation each (empty
/// for an unknown model). `about` is formula and source in one line.
std::vector<std::string> reward_model_names();
struct RewardParameter {
  std::string name;
  double value;
  double minimum;
  double maximum;
  std::string about;
};
std::vector<RewardParameter> reward_parameters(const std::string& model);
std::string reward_about(const std::string& model);

/// R_t = Σ_{i ≥ t} gamma^(i − t) · scores_i, one per turn of an episode (Kevin).
std::vector<double> discounted_returns(std::span<const double> scores, double gamma);

}  // namespace crucible
