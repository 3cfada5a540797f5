#include <algorithm>

#include "reward/presets/preset.h"
#include "reward/terms/correctness.h"

// Kevin (Cognition and Stanford, 2025): S = C·(0.3 + s), a flagged hack earns 0. Over turns R_t = Σ_{i≥t} γ^(i−t)·S_i:
// see discounted_returns(). The paper says γ = 0.4; the released configuration says γ = 0.8 and clips to [−10, 10].
// Uncertain: whether the clip applies to each S_i or to R_t; here it applies to each S_i.

namespace crucible {
namespace {

void pay_paper(const Evaluation& evaluation, const RewardSettings& settings, TermList& terms) {
  if (price_failure(evaluation, settings, terms)) return;
  const double s = measured_speedup(evaluation);
  price_correct(settings, terms);
  terms.add("speedup", s, figure(s) + "x");
}

void pay_released(const Evaluation& evaluation, const RewardSettings& settings, TermList& terms) {
  if (price_failure(evaluation, settings, terms)) return;
  const double s = measured_speedup(evaluation), clip = settings.numbers.at("clip");
  pay_total(std::clamp(price_of(Verdict::correct, settings) + s, -clip, clip),
            figure(s) + "x, clipped to ±" + figure(clip), settings, terms);
}

}  // namespace

std::vector<Preset> kevin_presets() {
  return {
      {"kevin_paper",
       "C·(0.3 + s), γ = 0.4 over turns (Kevin, paper)",
       {{"gamma", 0.4, 0, 1, "discount over turns, for discounted_returns()"}},
       flat_prices(0, 0.3),
       pay_paper},
      {"kevin_released",
       "C·(0.3 + s) clipped to [−10, 10], γ = 0.8 over turns (Kevin, released configuration)",
       {{"gamma", 0.8, 0, 1, "discount over turns, for discounted_returns()"},
        {"clip", 10, 0, 1e6, "the reward lies within ± this"}},
       flat_prices(0, 0.3),
       pay_released},
  };
}

}  // namespace crucible
