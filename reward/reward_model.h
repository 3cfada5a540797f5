#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "reward/evaluation.h"

namespace crucible {

/// One named part of a reward and what it contributed.
struct RewardTerm {
  std::string name;  ///< "verdict", "correctness", "speedup", "novelty", …
  double value = 0;  ///< what this term added to the reward
  std::string why;   ///< one sentence with the figures that went in
};

/// A scalar reward and its parts. The terms add up to `reward` to 1e-12. NaN (and no terms) for infrastructure_error.
struct Reward {
  double reward = 0;
  std::vector<RewardTerm> terms;
};

/// The default model's numbers (DESIGN.md, "The default reward"); every one is YAML, each term has a switch.
struct RewardSettings {
  std::string model =
      "crucible";  ///< "crucible", or a preset: "binary", "kernelbench_fast_p", "kevin_paper", "sol_score", …
  std::map<std::string, double> numbers;  ///< the model's parameters by name; missing ones take the model's defaults
  std::map<Verdict, double> prices;  ///< one for each verdict except correct (and infrastructure_error, which is NaN)
};

/// Turns facts into one number. Pure, immutable, thread-safe: the same Evaluation gives the same bits.
class RewardModel {
 public:
  virtual ~RewardModel() = default;
  virtual Reward score(const Evaluation& evaluation) const = 0;
  virtual const RewardSettings& settings() const = 0;
};

/// Builds a model; throws std::invalid_argument naming the key and the fix: unknown model or number, a price that is
/// missing, a cheat priced above an honest failure, a value out of its range.
std::shared_ptr<const RewardModel> make_reward_model(const RewardSettings& settings);

/// Names of all models, sorted; and the parameters of one with default, range and one line of documentation each.
std::vector<std::string> reward_model_names();
struct RewardParameter {
  std::string name;
  double value;
  double minimum;
  double maximum;
  std::string about;
};
std::vector<RewardParameter> reward_parameters(const std::string& model);

}  // namespace crucible
