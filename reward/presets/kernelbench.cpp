#include <algorithm>

#include "reward/presets/preset.h"
#include "reward/terms/correctness.h"

// kernelbench_fast_p: KernelBench (Ouyang et al., 2025), fast_p = (1/N) Σ C·1[s > p] over N problems; one evaluation is
//   one summand, the mean over a batch is the trainer's. p is one of 0, 0.5, 0.8, 1, 1.5, 2 in the paper; any is
//   allowed.
// kernelbench_tinker: the reward of the Tinker recipe for KernelBench, 0 when malformed, hacked or wrong, else
//   0.3 + min(s, 10). Uncertain: later versions of the recipe may weigh the parts differently.
// binary: C·1[s > 1], s by the lower confidence bound, ours.

namespace crucible {
namespace {

void pay_fast_p(const Evaluation& evaluation, const RewardSettings& settings, TermList& terms) {
  if (price_failure(evaluation, settings, terms)) return;
  const double s = measured_speedup(evaluation), p = settings.numbers.at("p");
  price_correct(settings, terms);
  terms.add("speedup", s > p ? 1.0 : 0.0, figure(s) + "x against p = " + figure(p));
}

void pay_tinker(const Evaluation& evaluation, const RewardSettings& settings, TermList& terms) {
  if (price_failure(evaluation, settings, terms)) return;
  const double s = measured_speedup(evaluation), cap = settings.numbers.at("cap");
  price_correct(settings, terms);
  terms.add("speedup", std::min(s, cap), "min(" + figure(s) + ", " + figure(cap) + ")");
}

void pay_binary(const Evaluation& evaluation, const RewardSettings& settings, TermList& terms) {
  if (price_failure(evaluation, settings, terms)) return;
  const double lower = speedup_lower_bound(evaluation), threshold = settings.numbers.at("threshold");
  price_correct(settings, terms);
  terms.add("speedup", lower > threshold ? 1.0 : 0.0,
            "lower bound " + figure(lower) + "x against " + figure(threshold));
}

}  // namespace

std::vector<Preset> kernelbench_presets() {
  return {
      {"binary",
       "C·1[LCB(S) > 1]",
       {{"threshold", 1, 0, 1e6, "pays above this speedup"}},
       flat_prices(0, 0),
       pay_binary},
      {"kernelbench_fast_p",
       "C·1[s > p] (KernelBench)",
       {{"p", 1, 0, 1e6, "the threshold of fast_p"}},
       flat_prices(0, 0),
       pay_fast_p},
      {"kernelbench_tinker",
       "C·(0.3 + min(s, 10)) (KernelBench recipe for Tinker)",
       {{"cap", 10, 0, 1e6, "the most that speed adds"}},
       flat_prices(0, 0.3),
       pay_tinker},
  };
}

}  // namespace crucible
