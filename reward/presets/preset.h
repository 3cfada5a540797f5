#pragma once

#include <map>
#include <string>
#include <vector>

#include "reward/evaluation.h"
#include "reward/reward_model.h"
#include "reward/terms/term_list.h"

namespace crucible {

/// One reward design: its numbers, its prices, and the function that pays. `pay` gets settings in which every number
/// and price is present, and an evaluation that is no infrastructure_error.
struct Preset {
  std::string name;
  std::string about;  ///< formula and source, one line
  std::vector<RewardParameter> parameters;
  std::map<Verdict, double> prices;
  void (*pay)(const Evaluation& evaluation, const RewardSettings& settings, TermList& terms);
};

/// All designs, sorted by name. Built once.
const std::vector<Preset>& all_presets();

/// The design called `name`, or null.
const Preset* find_preset(const std::string& name);

// One function per file in this folder.
std::vector<Preset> autotriton_presets();
std::vector<Preset> crucible_presets();
std::vector<Preset> cuda_agent_presets();
std::vector<Preset> cuda_l1_presets();
std::vector<Preset> dr_kernel_presets();
std::vector<Preset> hip_ladder_presets();
std::vector<Preset> kernelbench_presets();
std::vector<Preset> kernrl_presets();
std::vector<Preset> kevin_presets();
std::vector<Preset> prime_presets();
std::vector<Preset> sol_score_presets();

/// Prices for all eleven verdicts: `failure` for each failure (not_deployable and cheats included), `correct` for what
/// correctness alone earns, NaN for infrastructure_error.
std::map<Verdict, double> flat_prices(double failure, double correct);

/// Adds "correctness" (its price) and "speedup" (the rest), so that they add up to `total`.
void pay_total(double total, std::string why, const RewardSettings& settings, TermList& terms);

}  // namespace crucible
