#include <algorithm>
#include <limits>

#include "reward/presets/preset.h"
#include "reward/terms/correctness.h"

namespace crucible {

const std::vector<Preset>& all_presets() {
  static const std::vector<Preset> presets = [] {
    std::vector<Preset> all;
    for (auto* family :
         {autotriton_presets, crucible_presets, cuda_agent_presets, cuda_l1_presets, dr_kernel_presets,
          hip_ladder_presets, kernelbench_presets, kernrl_presets, kevin_presets, prime_presets, sol_score_presets}) {
      for (Preset& preset : family()) all.push_back(std::move(preset));
    }
    std::sort(all.begin(), all.end(), [](const Preset& a, const Preset& b) { return a.name < b.name; });
    return all;
  }();
  return presets;
}

const Preset* find_preset(const std::string& name) {
  for (const Preset& preset : all_presets()) {
    if (preset.name == name) return &preset;
  }
  return nullptr;
}

std::map<Verdict, double> flat_prices(double failure, double correct) {
  std::map<Verdict, double> prices;
  for (Verdict verdict : kAllVerdicts) prices[verdict] = failure;
  prices[Verdict::correct] = correct;
  prices[Verdict::infrastructure_error] = std::numeric_limits<double>::quiet_NaN();
  return prices;
}

void pay_total(double total, std::string why, const RewardSettings& settings, TermList& terms) {
  price_correct(settings, terms);
  terms.add("speedup", total - price_of(Verdict::correct, settings), std::move(why));
}

}  // namespace crucible
