#include <algorithm>

#include "reward/presets/preset.h"
#include "reward/terms/correctness.h"

// Dr. Kernel (Liu et al., 2026) and its released training scripts.
//   dr_kernel_paper     C + C·min(s, 3) + C·PR, PR = share of run time spent in the generated kernels
//   dr_kernel_released  0.5·C + 0.5·clip(s, 0, 3) + 0.5·coverage; failure or decoy 0
//   dr_kernel_weighted  0.5·C + 0.5·1[s ≥ 1.01]
//   dr_kernel_ladder    −1 failed or decoy, −0.5 compile, −0.3 wrong, −0.1 slower; 0.2/0.4/0.6/0.8/1.0 from s =
//   1/1.2/1.5/2/3
// PR and coverage: a Crucible candidate is all the code there is (CONTRACTS.md), so its share is 1 unless the number
// says otherwise. Uncertain: whether the released script scales speed's clip by its own weight. `failed` of the ladder
// is read as: everything before a result exists that is not the compiler's word.

namespace crucible {
namespace {

void pay_paper(const Evaluation& evaluation, const RewardSettings& settings, TermList& terms) {
  if (price_failure(evaluation, settings, terms)) return;
  const double s = measured_speedup(evaluation), cap = settings.numbers.at("cap");
  price_correct(settings, terms);
  terms.add("speedup", std::min(s, cap), "min(" + figure(s) + ", " + figure(cap) + ")");
  terms.add("profiling", settings.numbers.at("profiling_share"), "share of run time in the generated kernels");
}

void pay_released(const Evaluation& evaluation, const RewardSettings& settings, TermList& terms) {
  if (price_failure(evaluation, settings, terms)) return;
  const auto& n = settings.numbers;
  const double s = measured_speedup(evaluation);
  price_correct(settings, terms);
  terms.add("speedup", n.at("speed_weight") * std::clamp(s, 0.0, n.at("cap")),
            figure(s) + "x clipped to [0, " + figure(n.at("cap")) + "]");
  terms.add("coverage", n.at("coverage_weight") * n.at("coverage"), "share of run time in the generated kernels");
}

void pay_weighted(const Evaluation& evaluation, const RewardSettings& settings, TermList& terms) {
  if (price_failure(evaluation, settings, terms)) return;
  const double s = measured_speedup(evaluation), threshold = settings.numbers.at("threshold");
  price_correct(settings, terms);
  terms.add("speedup", s >= threshold ? settings.numbers.at("speed_weight") : 0.0,
            figure(s) + "x against " + figure(threshold));
}

void pay_ladder(const Evaluation& evaluation, const RewardSettings& settings, TermList& terms) {
  if (price_failure(evaluation, settings, terms)) return;
  static constexpr struct {
    double from, value;
  } kRungs[] = {{3, 1.0}, {2, 0.8}, {1.5, 0.6}, {1.2, 0.4}, {1, 0.2}, {0, -0.1}};
  const double s = measured_speedup(evaluation);
  for (const auto& rung : kRungs) {
    if (s >= rung.from)
      return pay_total(rung.value, figure(s) + "x: the rung from " + figure(rung.from), settings, terms);
  }
}

}  // namespace

std::vector<Preset> dr_kernel_presets() {
  std::map<Verdict, double> ladder = flat_prices(-1, -0.1);
  ladder[Verdict::compile_error] = ladder[Verdict::compile_timeout] = -0.5;
  ladder[Verdict::wrong_result] = ladder[Verdict::not_deployable] = -0.3;
  return {
      {"dr_kernel_ladder", "−1 … 1.0 by stage and speedup (Dr. Kernel, released)", {}, std::move(ladder), pay_ladder},
      {"dr_kernel_paper",
       "C + C·min(s, 3) + C·PR (Dr. Kernel, paper)",
       {{"cap", 3, 0, 1e6, "the most that speed adds"},
        {"profiling_share", 1, 0, 1, "PR, the share of run time in the generated kernels"}},
       flat_prices(0, 1),
       pay_paper},
      {"dr_kernel_released",
       "0.5·C + 0.5·clip(s, 0, 3) + 0.5·coverage (Dr. Kernel, released)",
       {{"cap", 3, 0, 1e6, "upper clip of s"},
        {"speed_weight", 0.5, 0, 1e6, "weight of the clipped speedup"},
        {"coverage_weight", 0.5, 0, 1e6, "weight of coverage"},
        {"coverage", 1, 0, 1, "share of run time in the generated kernels"}},
       flat_prices(0, 0.5),
       pay_released},
      {"dr_kernel_weighted",
       "0.5·C + 0.5·1[s ≥ 1.01] (Dr. Kernel, released)",
       {{"threshold", 1.01, 0, 1e6, "speed pays from here"}, {"speed_weight", 0.5, 0, 1e6, "what it pays"}},
       flat_prices(0, 0.5),
       pay_weighted},
  };
}

}  // namespace crucible
