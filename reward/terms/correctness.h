#pragma once

#include <string>

#include "reward/evaluation.h"
#include "reward/terms/term_list.h"

namespace crucible {

/// Prices every verdict but `correct` by settings.prices as the term "verdict" and returns true; false for a correct
/// candidate, whose terms are the model's.
bool price_failure(const Evaluation& evaluation, const RewardSettings& settings, TermList& terms);

/// The term "correctness": settings.prices[correct].
void price_correct(const RewardSettings& settings, TermList& terms);

/// The price of `verdict`; settings are complete (make_reward_model() sees to it).
double price_of(Verdict verdict, const RewardSettings& settings);

/// s as published designs mean it: the measured S. A withheld one counts as min(1, lower), an untimed one as 0.
double measured_speedup(const Evaluation& evaluation);

/// LCB(S), the lower end of the interval; withheld: at most 1; untimed: 0.
double speedup_lower_bound(const Evaluation& evaluation);

/// A figure for a sentence: at most four significant digits.
std::string figure(double value);

}  // namespace crucible
