#include <limits>

#include "reward/presets/preset.h"
#include "reward/terms/correctness.h"
#include "reward/terms/novelty.h"
#include "reward/terms/portable_math.h"
#include "reward/terms/speed_curve.h"

// DESIGN.md, "The default reward: one bounded, monotone curve".

namespace crucible {
namespace {

bool on(const RewardSettings& settings, const char* name) { return settings.numbers.at(name) != 0; }

/// The rungs below a wrong result can be levelled: advantage normalisation magnifies small differences.
bool is_rung(Verdict verdict) {
  return verdict == Verdict::malformed || verdict == Verdict::load_error || verdict == Verdict::crashed ||
         verdict == Verdict::timed_out;
}

void pay_failure(const Evaluation& evaluation, const RewardSettings& settings, TermList& terms) {
  if (on(settings, "verdict.enabled")) {
    if (!on(settings, "rungs.enabled") && is_rung(evaluation.verdict)) {
      const double price = price_of(Verdict::compile_error, settings);
      terms.add("verdict", price,
                "rungs are off: " + std::string(to_string(evaluation.verdict)) + " is priced as compile_error");
    } else {
      price_failure(evaluation, settings, terms);
    }
  }
  if (evaluation.verdict == Verdict::wrong_result && on(settings, "partial.enabled")) {
    const double share = evaluation.passed_share(), weight = settings.numbers.at("partial.weight");
    terms.add("partial", weight * share,
              figure(100 * share) + " % of the counted families passed whole, times " + figure(weight));
  }
}

void pay(const Evaluation& evaluation, const RewardSettings& settings, TermList& terms) {
  if (evaluation.verdict != Verdict::correct) return pay_failure(evaluation, settings, terms);
  const auto& n = settings.numbers;
  if (on(settings, "correctness.enabled")) price_correct(settings, terms);

  const SpeedCurve curve{0, n.at("speedup.weight"), n.at("speedup.slow_share"), n.at("speedup.slow_octaves"),
                         n.at("speedup.fast_octaves")};
  const double lower = speedup_lower_bound(evaluation);
  const double plain = curve.reward(lower);
  if (on(settings, "speedup.enabled")) {
    terms.add("speedup", plain,
              (evaluation.speedup && evaluation.speedup->withheld ? "withheld speedup, lower bound " : "lower bound ") +
                  figure(lower) + "x on the curve");
  }
  // N and P multiply the speedup: what they add is what the curve says about the handicapped speedup.
  const NoveltyVerdict verdict =
      judge_novelty(evaluation, {n.at("novelty.gate"), n.at("replica.similarity"), n.at("replica.margin")});
  const double handicap = n.at("novelty.handicap");
  if (on(settings, "novelty.enabled")) {
    terms.add("novelty", curve.reward(lower * portable_exp2(verdict.novelty * portable_log2(handicap))) - plain,
              verdict.why);
  }
  if (on(settings, "replica.enabled")) {
    terms.add("replica", verdict.replica ? curve.reward(lower / handicap) - plain : 0.0,
              verdict.replica ? verdict.why : "no replica of a known kernel");
  }
}

}  // namespace

std::vector<Preset> crucible_presets() {
  constexpr double kMost = 1e6;
  std::vector<RewardParameter> parameters;
  for (const char* term : {"verdict", "rungs", "partial", "correctness", "speedup", "novelty", "replica"}) {
    parameters.push_back({std::string(term) + ".enabled", 1, 0, 1, "1: the term counts, 0: it is switched off"});
  }
  for (const RewardParameter& parameter : std::vector<RewardParameter>{
           {"partial.weight", 0.13, 0, kMost, "what a wrong result earns when every counted family passes"},
           {"speedup.weight", 0.70, 0, kMost, "what the curve's upper end adds to a correct kernel"},
           {"speedup.slow_share", 0.2, 0, 1, "V at 1x: the share of the curve below the baseline's speed"},
           {"speedup.slow_octaves", 3, 1e-3, kMost, "V reaches 0 at 2^-this"},
           {"speedup.fast_octaves", 1.5, 1e-3, kMost, "scale of tanh, in doublings"},
           {"novelty.handicap", 1.10, 1, 10, "full novelty counts as this factor of speed, a replica as its inverse"},
           {"novelty.gate", 0.9, 0, 10, "novelty is paid from max(1, this x the best known speedup)"},
           {"replica.similarity", 0.9, 0, 1, "a replica is at least this similar to a known kernel"},
           {"replica.margin", 0.03, 0, 10, "and not faster than it by more than this share"}}) {
    parameters.push_back(parameter);
  }
  std::map<Verdict, double> prices = {{Verdict::integrity_violation, -0.20},
                                      {Verdict::malformed, -0.05},
                                      {Verdict::compile_error, 0},
                                      {Verdict::compile_timeout, 0},
                                      {Verdict::load_error, 0.01},
                                      {Verdict::crashed, 0.01},
                                      {Verdict::timed_out, 0.01},
                                      {Verdict::wrong_result, 0.02},
                                      {Verdict::not_deployable, 0.20},
                                      {Verdict::correct, 0.30},
                                      {Verdict::infrastructure_error, std::numeric_limits<double>::quiet_NaN()}};
  return {{"crucible", "bounded curve over LCB(S)·1.10^(N − P), prices per verdict, partial credit per family",
           std::move(parameters), std::move(prices), pay}};
}

}  // namespace crucible
