#include <cmath>

#include "reward/presets/preset.h"
#include "reward/terms/correctness.h"

namespace crucible {
namespace {

std::string price_key(Verdict verdict) { return "prices." + std::string(to_string(verdict)); }

std::optional<SettingsProblem> find_price_problem(const RewardSettings& settings) {
  for (Verdict verdict : kAllVerdicts) {
    const auto price = settings.prices.find(verdict);
    if (price == settings.prices.end()) {
      return SettingsProblem{price_key(verdict), "has no price; each of the eleven verdicts needs one"};
    }
    if (verdict == Verdict::infrastructure_error) {
      if (!std::isnan(price->second)) {
        return SettingsProblem{price_key(verdict), "must be null: our own failure is never scored"};
      }
    } else if (!std::isfinite(price->second)) {
      return SettingsProblem{price_key(verdict), "must be a finite number"};
    }
  }
  const double cheat = price_of(Verdict::integrity_violation, settings);
  const double correct = price_of(Verdict::correct, settings);
  for (Verdict verdict : kAllVerdicts) {
    if (verdict == Verdict::infrastructure_error || verdict == Verdict::integrity_violation) continue;
    const double price = price_of(verdict, settings);
    if (cheat > price) {
      return SettingsProblem{price_key(Verdict::integrity_violation),
                             "a cheat is priced at " + figure(cheat) + ", above the honest verdict " +
                                 std::string(to_string(verdict)) + " (" + figure(price) + "); lower it to " +
                                 figure(price) + " or less"};
    }
    if (price > correct) {
      return SettingsProblem{price_key(verdict), "a failure is priced at " + figure(price) +
                                                     ", above what correctness alone earns (prices.correct is " +
                                                     figure(correct) + ")"};
    }
  }
  return std::nullopt;
}

}  // namespace

std::optional<SettingsProblem> find_problem(const RewardSettings& settings) {
  const Preset* preset = find_preset(settings.model);
  if (preset == nullptr) return SettingsProblem{"model", "there is no reward model '" + settings.model + "'"};
  for (const auto& [name, value] : settings.numbers) {
    const RewardParameter* parameter = nullptr;
    for (const RewardParameter& known : preset->parameters) {
      if (known.name == name) parameter = &known;
    }
    if (parameter == nullptr) return SettingsProblem{name, "reward model '" + settings.model + "' has no such number"};
    if (!(value >= parameter->minimum && value <= parameter->maximum)) {
      return SettingsProblem{name, figure(value) + " is outside [" + figure(parameter->minimum) + ", " +
                                       figure(parameter->maximum) + "] (" + parameter->about + ")"};
    }
    if (name.ends_with(".enabled") && value != 0 && value != 1) {
      return SettingsProblem{name, "must be 0 or 1, not " + figure(value)};
    }
  }
  if (std::optional<SettingsProblem> problem = find_price_problem(settings)) return problem;

  // Partial credit must not lift a wrong kernel above a right one.
  if (settings.model == "crucible") {
    const auto weight = settings.numbers.find("partial.weight");
    const double partial = weight == settings.numbers.end() ? 0.13 : weight->second;
    if (price_of(Verdict::wrong_result, settings) + partial > price_of(Verdict::correct, settings)) {
      return SettingsProblem{"partial.weight",
                             "a wrong result with full partial credit would earn more than "
                             "prices.correct (" +
                                 figure(price_of(Verdict::correct, settings)) + ")"};
    }
  }
  return std::nullopt;
}

}  // namespace crucible
