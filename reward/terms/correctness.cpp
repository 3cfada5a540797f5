#include "reward/terms/correctness.h"

#include <algorithm>
#include <cstdio>

namespace crucible {

std::string figure(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.4g", value);
  return text;
}

double price_of(Verdict verdict, const RewardSettings& settings) { return settings.prices.at(verdict); }

bool price_failure(const Evaluation& evaluation, const RewardSettings& settings, TermList& terms) {
  if (evaluation.verdict == Verdict::correct) return false;
  const double price = price_of(evaluation.verdict, settings);
  terms.add("verdict", price, "the price of " + std::string(to_string(evaluation.verdict)) + " is " + figure(price));
  return true;
}

void price_correct(const RewardSettings& settings, TermList& terms) {
  const double price = price_of(Verdict::correct, settings);
  terms.add("correctness", price, "right in every case: " + figure(price));
}

double measured_speedup(const Evaluation& evaluation) {
  if (!evaluation.speedup) return 0;
  if (evaluation.speedup->withheld) return speedup_lower_bound(evaluation);
  return evaluation.speedup->estimate;
}

double speedup_lower_bound(const Evaluation& evaluation) {
  if (!evaluation.speedup) return 0;
  return evaluation.speedup->withheld ? std::min(1.0, evaluation.speedup->lower) : evaluation.speedup->lower;
}

}  // namespace crucible
