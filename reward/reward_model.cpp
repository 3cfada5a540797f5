#include "reward/reward_model.h"

#include <limits>
#include <stdexcept>

#include "reward/presets/preset.h"

namespace crucible {
namespace {

class PresetModel final : public RewardModel {
 public:
  PresetModel(const Preset& preset, RewardSettings settings) : preset_(preset), settings_(std::move(settings)) {}

  Reward score(const Evaluation& evaluation) const override {
    if (evaluation.verdict == Verdict::infrastructure_error) return {std::numeric_limits<double>::quiet_NaN(), {}};
    TermList terms;
    preset_.pay(evaluation, settings_, terms);
    return terms.take();
  }

  const RewardSettings& settings() const override { return settings_; }

 private:
  const Preset& preset_;
  RewardSettings settings_;
};

}  // namespace

std::shared_ptr<const RewardModel> make_reward_model(const RewardSettings& settings) {
  if (const std::optional<SettingsProblem> problem = find_problem(settings)) {
    throw std::invalid_argument(problem->key + ": " + problem->message);
  }
  const Preset& preset = *find_preset(settings.model);
  RewardSettings complete = settings;
  for (const RewardParameter& parameter : preset.parameters) complete.numbers.emplace(parameter.name, parameter.value);
  return std::make_shared<PresetModel>(preset, std::move(complete));
}

RewardSettings default_settings(const std::string& model) {
  const Preset* preset = find_preset(model);
  if (preset == nullptr) throw std::invalid_argument("model: there is no reward model '" + model + "'");
  RewardSettings settings{model, {}, preset->prices};
  for (const RewardParameter& parameter : preset->parameters) settings.numbers[parameter.name] = parameter.value;
  return settings;
}

std::vector<std::string> reward_model_names() {
  std::vector<std::string> names;
  for (const Preset& preset : all_presets()) names.push_back(preset.name);
  return names;
}

std::vector<RewardParameter> reward_parameters(const std::string& model) {
  const Preset* preset = find_preset(model);
  return preset == nullptr ? std::vector<RewardParameter>{} : preset->parameters;
}

std::string reward_about(const std::string& model) {
  const Preset* preset = find_preset(model);
  return preset == nullptr ? std::string() : preset->about;
}

std::vector<double> discounted_returns(std::span<const double> scores, double gamma) {
  std::vector<double> returns(scores.size());
  double later = 0;
  for (std::size_t i = scores.size(); i-- > 0;) returns[i] = later = scores[i] + gamma * later;
  return returns;
}

}  // namespace crucible
