#include "reward/presets/preset.h"
#include "reward/terms/correctness.h"

// CUDA Agent (2026): −1 wrong; 1 correct; 2 if 5 % faster than eager; 3 if also 5 % faster than the compiled baseline.
// Crucible measures one baseline per workload, the best. eager_ratio and compiled_ratio say how much slower eager and
// compiled code are than it (t_eager / t_best); at 1 both thresholds coincide. Uncertain: "5 % faster" is read as
// s > 1.05; t < 0.95·t_ref would be s > 1.0526.

namespace crucible {
namespace {

void pay(const Evaluation& evaluation, const RewardSettings& settings, TermList& terms) {
  if (price_failure(evaluation, settings, terms)) return;
  const auto& n = settings.numbers;
  const double s = measured_speedup(evaluation), from = 1 + n.at("margin");
  const bool eager = s * n.at("eager_ratio") > from;
  const bool compiled = eager && s * n.at("compiled_ratio") > from;
  price_correct(settings, terms);
  terms.add("speedup",
            compiled ? 2.0
            : eager  ? 1.0
                     : 0.0,
            figure(s) + "x: " +
                (compiled ? "beats eager and compiled"
                 : eager  ? "beats eager"
                          : "beats neither"));
}

}  // namespace

std::vector<Preset> cuda_agent_presets() {
  return {{"cuda_agent",
           "−1 wrong, 1 correct, 2 beats eager by 5 %, 3 beats compiled by 5 % too (CUDA Agent)",
           {{"margin", 0.05, 0, 10, "faster means by more than this share"},
            {"eager_ratio", 1, 1, 1e6, "t_eager / t_best baseline"},
            {"compiled_ratio", 1, 1, 1e6, "t_compiled / t_best baseline"}},
           flat_prices(-1, 1),
           pay}};
}

}  // namespace crucible
