#include <algorithm>

#include "reward/presets/preset.h"
#include "reward/terms/correctness.h"

// kernrl (an OpenEnv environment): −0.5 compile failure; −0.25 wrong; 0.5·(s − 1) for s ≤ 1, else min(s − 1, 2).
// Uncertain: crashes and timeouts, priced as wrong here; a cheat as the worst failure.

namespace crucible {
namespace {

void pay(const Evaluation& evaluation, const RewardSettings& settings, TermList& terms) {
  if (price_failure(evaluation, settings, terms)) return;
  const auto& n = settings.numbers;
  const double s = measured_speedup(evaluation);
  price_correct(settings, terms);
  terms.add("speedup", s <= 1 ? n.at("slow_slope") * (s - 1) : std::min(s - 1, n.at("cap")), figure(s) + "x");
}

}  // namespace

std::vector<Preset> kernrl_presets() {
  std::map<Verdict, double> prices = flat_prices(-0.25, 0);
  prices[Verdict::malformed] = prices[Verdict::compile_error] = prices[Verdict::compile_timeout] = -0.5;
  prices[Verdict::integrity_violation] = -0.5;
  return {
      {"kernrl",
       "0.5·(s − 1) for s ≤ 1, else min(s − 1, 2) (kernrl)",
       {{"slow_slope", 0.5, 0, 1e6, "slope below the baseline's speed"}, {"cap", 2, 0, 1e6, "the most that is paid"}},
       std::move(prices),
       pay}};
}

}  // namespace crucible
