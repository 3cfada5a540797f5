#include <algorithm>

#include "reward/presets/preset.h"
#include "reward/terms/correctness.h"

// Prime Intellect's kernel environment: min(0.3·C + s·C, 1.8). Uncertain: whether s is against eager PyTorch or the
// compiled model; here it is S, against the best production baseline.

namespace crucible {
namespace {

void pay(const Evaluation& evaluation, const RewardSettings& settings, TermList& terms) {
  if (price_failure(evaluation, settings, terms)) return;
  const double s = measured_speedup(evaluation), cap = settings.numbers.at("cap");
  pay_total(std::min(price_of(Verdict::correct, settings) + s, cap),
            figure(s) + "x, the whole capped at " + figure(cap), settings, terms);
}

}  // namespace

std::vector<Preset> prime_presets() {
  return {{"prime",
           "min(0.3·C + s·C, 1.8) (Prime Intellect)",
           {{"cap", 1.8, 0, 1e6, "the most that is paid"}},
           flat_prices(0, 0.3),
           pay}};
}

}  // namespace crucible
