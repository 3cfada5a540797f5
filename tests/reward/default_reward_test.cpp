#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <random>

#include "reward/terms/novelty.h"
#include "reward/terms/speed_curve.h"
#include "tests/reward/facts.h"

using namespace crucible;
using namespace crucible::testing;

namespace {

double sum_of(const Reward& reward) {
  double sum = 0;
  for (const RewardTerm& term : reward.terms) sum += term.value;
  return sum;
}

Evaluation novel_at(double s) {
  Evaluation evaluation = correct_at(s);
  evaluation.novelty.score = 1;
  return evaluation;
}

Evaluation replica_at(double s) {
  Evaluation evaluation = correct_at(s);
  evaluation.novelty.similarity = 0.97;
  evaluation.novelty.match_speedup = s;
  return evaluation;
}

}  // namespace

TEST_CASE("the default reward is the design's table, to three digits") {
  const double table[][4] = {// s, plain, novel, replica
                             {0.5, .393, NAN, .387},
                             {1.0, .440, .491, .434},
                             {1.2, .537, .586, .487},
                             {2.0, .766, .798, .731},
                             {5.0, .952, .959, .942}};
  const auto digits3 = [](double value) { return std::round(value * 1000) / 1000; };
  for (const auto& row : table) {
    CAPTURE(row[0]);
    CHECK(digits3(pay(correct_at(row[0]))) == doctest::Approx(row[1]).epsilon(1e-9));
    if (!std::isnan(row[2])) CHECK(digits3(pay(novel_at(row[0]))) == doctest::Approx(row[2]).epsilon(1e-9));
    CHECK(digits3(pay(replica_at(row[0]))) == doctest::Approx(row[3]).epsilon(1e-9));
  }
}

TEST_CASE("every failure has the design's price") {
  CHECK(pay(failed_as(Verdict::integrity_violation)) == -0.20);
  CHECK(pay(failed_as(Verdict::malformed)) == -0.05);
  CHECK(pay(failed_as(Verdict::compile_error)) == 0);
  CHECK(pay(failed_as(Verdict::compile_timeout)) == 0);
  for (Verdict verdict : {Verdict::load_error, Verdict::crashed, Verdict::timed_out})
    CHECK(pay(failed_as(verdict)) == 0.01);
  CHECK(pay(failed_as(Verdict::not_deployable)) == 0.20);
  Evaluation wrong = failed_as(Verdict::wrong_result);
  CHECK(pay(wrong) == doctest::Approx(0.02));
  wrong.families = {{"normal", true, 2, 2}, {"tiny", true, 2, 0}};
  CHECK(pay(wrong) == doctest::Approx(0.02 + 0.13 * 0.5));
}

TEST_CASE("our own failure is never scored") {
  const Reward reward = make_reward_model(default_settings())->score(failed_as(Verdict::infrastructure_error));
  CHECK(std::isnan(reward.reward));
  CHECK(reward.terms.empty());
}

TEST_CASE("the lower bound is paid, not the estimate") {
  CHECK(pay(correct_at(1.0, 1.5, 2.25)) == pay(correct_at(1.0)));
  CHECK(pay(correct_at(1.0, 1.5, 2.25)) < pay(correct_at(1.5)));
}

TEST_CASE("a withheld speedup is worth at most the baseline's, and no novelty") {
  Evaluation evaluation = novel_at(3);
  evaluation.speedup->withheld = true;
  CHECK(pay(evaluation) == doctest::Approx(0.44));
  evaluation.speedup->lower = 0.5;
  CHECK(pay(evaluation) == pay(correct_at(0.5)));
  evaluation.speedup.reset();
  CHECK(pay(evaluation) == 0.30);
}

TEST_CASE("novelty is paid from max(1, 0.9 of the best known kernel)") {
  Evaluation evaluation = novel_at(1.3);
  CHECK(pay(evaluation) > pay(correct_at(1.3)));
  evaluation.novelty.best_known = 1.4;  // gate 1.26
  CHECK(pay(evaluation) > pay(correct_at(1.3)));
  evaluation.novelty.best_known = 1.5;  // gate 1.35
  CHECK(pay(evaluation) == pay(correct_at(1.3)));
  CHECK(pay(novel_at(0.999)) == pay(correct_at(0.999)));
  CHECK(pay(novel_at(1.0)) > pay(correct_at(1.0)));
  Evaluation failed = novel_at(1.3);
  failed.novelty.score.reset();
  failed.novelty.failure = "the analyser crashed";
  CHECK(pay(failed) == pay(correct_at(1.3)));
}

TEST_CASE("a replica is at least .9 similar and not 3 % faster than its match") {
  Evaluation evaluation = correct_at(2);
  evaluation.novelty.score = 0.5;
  evaluation.novelty.similarity = 0.9;
  evaluation.novelty.match_speedup = 2 / 1.0301;  // just 3 % faster
  NoveltyVerdict verdict = judge_novelty(evaluation, {});
  CHECK_FALSE(verdict.replica);
  CHECK(verdict.novelty == 0.5);
  evaluation.novelty.match_speedup = 2 / 1.0299;
  verdict = judge_novelty(evaluation, {});
  CHECK(verdict.replica);
  CHECK(verdict.novelty == 0);  // N·P = 0
  evaluation.novelty.match_speedup.reset();
  CHECK(judge_novelty(evaluation, {}).replica);
  evaluation.novelty.similarity = 0.8999;
  CHECK_FALSE(judge_novelty(evaluation, {}).replica);
}

TEST_CASE("novelty is worth exactly a 10 % speedup, at any speed from 1x") {
  for (double s : {1.0, 1.1, 1.7, 4.0, 40.0})
    CHECK(pay(novel_at(s)) == doctest::Approx(pay(correct_at(1.1 * s))).epsilon(1e-12));
}

TEST_CASE("each term can be switched off by a number, and then is not in the sum") {
  const Evaluation novel = novel_at(2), replica = replica_at(2);
  const double base = 0.30, curve = pay(correct_at(2)) - base;
  CHECK(pay(novel, with(default_settings(), "novelty.enabled", 0)) == pay(correct_at(2)));
  CHECK(pay(replica, with(default_settings(), "replica.enabled", 0)) == doctest::Approx(pay(correct_at(2))));
  CHECK(pay(correct_at(2), with(default_settings(), "speedup.enabled", 0)) == base);
  CHECK(pay(correct_at(2), with(default_settings(), "correctness.enabled", 0)) == doctest::Approx(curve));
  CHECK(pay(failed_as(Verdict::integrity_violation), with(default_settings(), "verdict.enabled", 0)) == 0);
  Evaluation wrong = failed_as(Verdict::wrong_result);
  wrong.families = {{"normal", true, 1, 1}};
  CHECK(pay(wrong, with(default_settings(), "partial.enabled", 0)) == 0.02);
  for (Verdict verdict : {Verdict::malformed, Verdict::load_error, Verdict::crashed, Verdict::timed_out}) {
    CHECK(pay(failed_as(verdict), with(default_settings(), "rungs.enabled", 0)) == 0);
  }
  CHECK(pay(failed_as(Verdict::integrity_violation), with(default_settings(), "rungs.enabled", 0)) == -0.20);
}

TEST_CASE("the reward never falls with speed, is bounded, and is the sum of its terms") {
  std::mt19937_64 random(7);
  std::uniform_real_distribution<double> unit(0, 1);
  const auto model = make_reward_model(default_settings());
  for (int i = 0; i < 20000; ++i) {
    Evaluation evaluation = correct_at(std::exp2(12 * unit(random) - 6));
    evaluation.novelty.score = unit(random);
    evaluation.novelty.similarity = unit(random);
    if (unit(random) < 0.5) evaluation.novelty.match_speedup = std::exp2(4 * unit(random) - 2);
    if (unit(random) < 0.5) evaluation.novelty.best_known = std::exp2(4 * unit(random) - 2);
    if (unit(random) < 0.1) evaluation.speedup->withheld = true;
    const Reward reward = model->score(evaluation);
    CHECK(std::abs(sum_of(reward) - reward.reward) <= 1e-12);
    CHECK(reward.reward >= 0.30 - 1e-12);
    CHECK(reward.reward <= 1.0 + 1e-12);
    Evaluation faster = evaluation;
    faster.speedup->lower *= 1 + unit(random);
    CHECK(model->score(faster).reward >= reward.reward);
  }
}

TEST_CASE("any correct kernel earns more than any failure, and any honest failure more than a cheat") {
  Evaluation wrong = failed_as(Verdict::wrong_result);
  wrong.families = {{"normal", true, 1, 1}};
  for (Verdict verdict : kAllVerdicts) {
    if (verdict == Verdict::correct || verdict == Verdict::infrastructure_error) continue;
    CHECK(pay(failed_as(verdict)) < pay(correct_at(1e-9)));
    if (verdict != Verdict::integrity_violation)
      CHECK(pay(failed_as(verdict)) > pay(failed_as(Verdict::integrity_violation)));
  }
  CHECK(pay(wrong) < pay(failed_as(Verdict::not_deployable)));
}

TEST_CASE("the curve is continuous at 1x and ends at 0 and 1") {
  const SpeedCurve curve;
  CHECK(curve.value(1) == 0.2);
  CHECK(curve.value(std::nextafter(1.0, 2.0)) == doctest::Approx(0.2).epsilon(1e-12));
  CHECK(curve.value(0) == 0);
  CHECK(curve.value(0.125) == 0);
  CHECK(curve.value(-1) == 0);
  CHECK(curve.value(std::numeric_limits<double>::quiet_NaN()) == 0);
  CHECK(curve.value(std::numeric_limits<double>::infinity()) == 1);
}
