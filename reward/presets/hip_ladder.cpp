#include "reward/presets/preset.h"
#include "reward/terms/correctness.h"

// The ladder of Stanford's HIP kernel work (2026): −1, −0.9, −0.75, −0.5, −0.25, 0, 1, 2, 3 by stage and speedup.
// Uncertain: the source names the values, not which stage each belongs to. Read here as: nothing usable or a cheat −1,
// does not compile −0.9, does not load −0.75, crashes or hangs −0.5, wrong −0.25, right but slower 0, then 1, 2, 3 from
// the three thresholds, which are numbers.

namespace crucible {
namespace {

void pay(const Evaluation& evaluation, const RewardSettings& settings, TermList& terms) {
  if (price_failure(evaluation, settings, terms)) return;
  const double s = measured_speedup(evaluation);
  double rung = 0;
  for (const char* name : {"threshold_1", "threshold_2", "threshold_3"}) {
    if (s >= settings.numbers.at(name)) rung += 1;
  }
  price_correct(settings, terms);
  terms.add("speedup", rung, figure(s) + "x reaches " + figure(rung) + " of three thresholds");
}

}  // namespace

std::vector<Preset> hip_ladder_presets() {
  std::map<Verdict, double> prices = flat_prices(-1, 0);
  prices[Verdict::compile_error] = prices[Verdict::compile_timeout] = -0.9;
  prices[Verdict::load_error] = -0.75;
  prices[Verdict::crashed] = prices[Verdict::timed_out] = -0.5;
  prices[Verdict::wrong_result] = prices[Verdict::not_deployable] = -0.25;
  return {{"hip_ladder",
           "−1 … 3 by stage and speedup (Stanford HIP kernels)",
           {{"threshold_1", 1, 0, 1e6, "pays 1 from this speedup"},
            {"threshold_2", 1.5, 0, 1e6, "pays 2 from this speedup"},
            {"threshold_3", 2, 0, 1e6, "pays 3 from this speedup"}},
           std::move(prices),
           pay}};
}

}  // namespace crucible
