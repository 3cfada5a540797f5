#pragma once

#include <utility>

#include "reward/evaluation.h"
#include "reward/reward_model.h"

namespace crucible::testing {

/// A correct candidate with a known speedup, its interval as wide as told.
inline Evaluation correct_at(double lower, double estimate, double upper) {
  Evaluation evaluation;
  evaluation.task = "rms_norm";
  evaluation.verdict = Verdict::correct;
  evaluation.speedup = Speedup{estimate, lower, upper, 12, TimingMode::reveal, false, ""};
  evaluation.novelty.score = 0;
  return evaluation;
}

inline Evaluation correct_at(double s) { return correct_at(s, s, s); }

inline Evaluation failed_as(Verdict verdict) {
  Evaluation evaluation;
  evaluation.task = "rms_norm";
  evaluation.verdict = verdict;
  return evaluation;
}

inline double pay(const Evaluation& evaluation, const RewardSettings& settings = default_settings()) {
  return make_reward_model(settings)->score(evaluation).reward;
}

inline RewardSettings with(RewardSettings settings, const char* number, double value) {
  settings.numbers[number] = value;
  return settings;
}

}  // namespace crucible::testing
