#include <cmath>

#include "reward/quantile.h"
#include "reward/speedup.h"
#include "reward/terms/speed_curve.h"

namespace crucible {

bool StoppingRule::enough(const Speedup& speedup, double reward_at_lower, double reward_at_upper) const {
  if (reward_at_upper - reward_at_lower <= resolution) return true;
  return speedup.lower > 0 && std::log(speedup.upper / speedup.lower) / 2 <= relative_width;
}

std::optional<LookOutcome> look_at(std::span<WorkloadTiming> workloads, int look, const IntervalSettings& settings,
                                   const StoppingRule& rule) {
  std::optional<SpeedupInterval> interval = estimate_interval(workloads, look, settings);
  if (!interval) return std::nullopt;
  LookOutcome outcome{*interval, false};
  const int last = static_cast<int>(settings.looks.size()) - 1;
  const SpeedCurve curve;
  outcome.enough = look == last || rule.enough(interval->speedup, curve.reward(interval->speedup.lower),
                                               curve.reward(interval->speedup.upper));
  if (!outcome.enough) {
    // More pairs shrink only their own variance, and a later look has a wider quantile.
    const double fewer = static_cast<double>(settings.looks[look]) / settings.looks[look + 1];
    const double degrees = interval->warm_refuted ? interval->degrees : interval->degrees / fewer;
    const double next = student_two_sided(alpha_of_look(look + 1, settings), degrees) *
                        std::sqrt(interval->pair_variance * fewer + interval->runner_variance);
    outcome.enough = next > (1 - rule.least_gain) * interval->half_width;
  }
  return outcome;
}

}  // namespace crucible
