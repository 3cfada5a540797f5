#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <random>

#include "tests/reward/facts.h"

using namespace crucible;
using namespace crucible::testing;

// Each formula is written here a second time, straight from its publication's row, and compared over a grid of speeds.

namespace {

constexpr double kSpeeds[] = {0.01, 0.3, 0.5, 0.8, 0.999, 1.0, 1.001, 1.01, 1.05, 1.0501,
                              1.2,  1.5, 1.8, 2.0, 2.5,   3.0, 9.0,   11.0, 40.0};

void check_formula(const RewardSettings& settings, double (*formula)(double s)) {
  CAPTURE(settings.model);
  for (double s : kSpeeds) {
    CAPTURE(s);
    CHECK(std::abs(pay(correct_at(0.9 * s, s, 1.1 * s), settings) - formula(s)) <= 1e-9);
  }
}

void check_failures(const std::string& model, double price, std::initializer_list<Verdict> except = {}) {
  CAPTURE(model);
  for (Verdict verdict : kAllVerdicts) {
    if (verdict == Verdict::correct || verdict == Verdict::infrastructure_error) continue;
    if (std::find(except.begin(), except.end(), verdict) != except.end()) continue;
    CHECK(pay(failed_as(verdict), default_settings(model)) == price);
  }
}

WorkloadTiming timed(double count, double candidate, double baseline, std::optional<double> roof) {
  WorkloadTiming workload;
  workload.count = count;
  workload.candidate_ns = candidate;
  workload.baseline_ns = baseline;
  workload.roof_ns = roof;
  return workload;
}

}  // namespace

TEST_CASE("kernelbench_fast_p: C·1[s > p] for each published p") {
  for (double p : {0.0, 0.5, 0.8, 1.0, 1.5, 2.0}) {
    const RewardSettings settings = with(default_settings("kernelbench_fast_p"), "p", p);
    for (double s : kSpeeds) CHECK(pay(correct_at(s), settings) == (s > p ? 1.0 : 0.0));
  }
  check_failures("kernelbench_fast_p", 0);
}

TEST_CASE("kevin: C·(0.3 + s), paper and released") {
  check_formula(default_settings("kevin_paper"), [](double s) { return 0.3 + s; });
  check_formula(default_settings("kevin_released"), [](double s) { return std::clamp(0.3 + s, -10.0, 10.0); });
  check_failures("kevin_paper", 0);
  check_failures("kevin_released", 0);
  CHECK(default_settings("kevin_paper").numbers.at("gamma") == 0.4);
  CHECK(default_settings("kevin_released").numbers.at("gamma") == 0.8);
}

TEST_CASE("kevin: returns over turns are discounted sums") {
  const std::vector<double> scores = {0, 1.3, 0, 2.3};
  const std::vector<double> returns = discounted_returns(scores, 0.4);
  REQUIRE(returns.size() == 4);
  for (std::size_t t = 0; t < 4; ++t) {
    double expected = 0;
    for (std::size_t i = t; i < 4; ++i) expected += std::pow(0.4, static_cast<double>(i - t)) * scores[i];
    CHECK(std::abs(returns[t] - expected) <= 1e-12);
  }
  CHECK(discounted_returns({}, 0.4).empty());
}

TEST_CASE("kernelbench_tinker: 0.3 + min(s, 10)") {
  check_formula(default_settings("kernelbench_tinker"), [](double s) { return 0.3 + std::min(s, 10.0); });
  check_failures("kernelbench_tinker", 0);
}

TEST_CASE("prime: min(0.3·C + s·C, 1.8)") {
  check_formula(default_settings("prime"), [](double s) { return std::min(0.3 + s, 1.8); });
  check_failures("prime", 0);
}

TEST_CASE("cuda_l1: clip((r − μ)/σ, ±1.5), r the median over time buckets") {
  RewardSettings settings = with(with(default_settings("cuda_l1"), "mu", 1.4), "sigma", 0.6);
  for (double s : kSpeeds) {
    CHECK(std::abs(pay(correct_at(s), settings) - std::clamp((s - 1.4) / 0.6, -1.5, 1.5)) <= 1e-9);
  }
  // Three buckets of two pairs each: ratios of means 2, 4 and 1.5; the median is 2.
  Evaluation evaluation = correct_at(9);
  evaluation.workloads.resize(1);
  const double pairs[][2] = {{10, 20}, {10, 20}, {5, 20}, {5, 20}, {10, 10}, {10, 20}};
  for (const auto& [candidate, baseline] : pairs) evaluation.workloads[0].pairs.push_back({candidate, baseline, 0, 0});
  settings = with(settings, "buckets", 3);
  CHECK(std::abs(pay(evaluation, settings) - (2 - 1.4) / 0.6) <= 1e-9);
  // More buckets than pairs: one pair each; ratios 2, 2, 4, 4, 1, 2, median 2.
  CHECK(std::abs(pay(evaluation, with(settings, "buckets", 64)) - (2 - 1.4) / 0.6) <= 1e-9);
  check_failures("cuda_l1", -1);
}

TEST_CASE("dr_kernel: paper, released, weighted, ladder") {
  check_formula(default_settings("dr_kernel_paper"), [](double s) { return 1 + std::min(s, 3.0) + 1; });
  check_formula(with(default_settings("dr_kernel_paper"), "profiling_share", 0.25),
                [](double s) { return 1 + std::min(s, 3.0) + 0.25; });
  check_formula(default_settings("dr_kernel_released"),
                [](double s) { return 0.5 + 0.5 * std::clamp(s, 0.0, 3.0) + 0.5; });
  check_formula(default_settings("dr_kernel_weighted"), [](double s) { return 0.5 + 0.5 * (s >= 1.01 ? 1 : 0); });
  check_formula(default_settings("dr_kernel_ladder"), [](double s) {
    return s >= 3 ? 1.0 : s >= 2 ? 0.8 : s >= 1.5 ? 0.6 : s >= 1.2 ? 0.4 : s >= 1 ? 0.2 : -0.1;
  });
  for (const char* model : {"dr_kernel_paper", "dr_kernel_released", "dr_kernel_weighted"}) check_failures(model, 0);
  check_failures("dr_kernel_ladder", -1,
                 {Verdict::compile_error, Verdict::compile_timeout, Verdict::wrong_result, Verdict::not_deployable});
  CHECK(pay(failed_as(Verdict::compile_error), default_settings("dr_kernel_ladder")) == -0.5);
  CHECK(pay(failed_as(Verdict::wrong_result), default_settings("dr_kernel_ladder")) == -0.3);
}

TEST_CASE("cuda_agent: −1, 1, 2, 3") {
  check_formula(default_settings("cuda_agent"), [](double s) { return s > 1.05 ? 3.0 : 1.0; });
  check_formula(with(default_settings("cuda_agent"), "eager_ratio", 2), [](double s) {
    return s > 1.05 ? 3.0 : s * 2 > 1.05 ? 2.0 : 1.0;
  });
  check_failures("cuda_agent", -1);
}

TEST_CASE("hip_ladder: −1 … 3") {
  check_formula(default_settings("hip_ladder"), [](double s) {
    return s >= 2 ? 3.0 : s >= 1.5 ? 2.0 : s >= 1 ? 1.0 : 0.0;
  });
  const RewardSettings settings = default_settings("hip_ladder");
  CHECK(pay(failed_as(Verdict::malformed), settings) == -1);
  CHECK(pay(failed_as(Verdict::compile_error), settings) == -0.9);
  CHECK(pay(failed_as(Verdict::load_error), settings) == -0.75);
  CHECK(pay(failed_as(Verdict::timed_out), settings) == -0.5);
  CHECK(pay(failed_as(Verdict::wrong_result), settings) == -0.25);
  CHECK(pay(failed_as(Verdict::integrity_violation), settings) == -1);
}

TEST_CASE("autotriton: C·1[language]") {
  check_formula(default_settings("autotriton"), [](double) { return 1.0; });
  check_formula(with(default_settings("autotriton"), "in_required_language", 0), [](double) { return 0.0; });
  check_failures("autotriton", 0);
}

TEST_CASE("kernrl: half the loss below 1x, the gain up to 2 above") {
  check_formula(default_settings("kernrl"), [](double s) { return s <= 1 ? 0.5 * (s - 1) : std::min(s - 1, 2.0); });
  CHECK(pay(failed_as(Verdict::compile_error), default_settings("kernrl")) == -0.5);
  CHECK(pay(failed_as(Verdict::wrong_result), default_settings("kernrl")) == -0.25);
}

TEST_CASE("binary: C·1[LCB > 1]") {
  const RewardSettings settings = default_settings("binary");
  CHECK(pay(correct_at(1.0001, 1.1, 1.2), settings) == 1);
  CHECK(pay(correct_at(1.0, 1.1, 1.2), settings) == 0);
  CHECK(pay(correct_at(0.99, 5, 9), settings) == 0);
  check_failures("binary", 0);
}

TEST_CASE("sol_score: 1/(1 + (t − t_SOL)/(t_b − t_SOL)) over production's totals") {
  const RewardSettings settings = default_settings("sol_score");
  Evaluation evaluation = correct_at(2);
  evaluation.workloads = {timed(2, 50, 100, 20), timed(1, 300, 400, 100)};
  const double t = 2 * 50 + 300, baseline = 2 * 100 + 400, light = 2 * 20 + 100;
  CHECK(std::abs(pay(evaluation, settings) - 1 / (1 + (t - light) / (baseline - light))) <= 1e-9);

  SUBCASE("the baseline's own speed scores one half, the speed of light one") {
    evaluation.workloads = {timed(3, 100, 100, 20)};
    CHECK(std::abs(pay(evaluation, settings) - 0.5) <= 1e-9);
    evaluation.workloads = {timed(3, 20, 100, 20)};
    CHECK(std::abs(pay(evaluation, settings) - 1) <= 1e-9);
  }
  SUBCASE("a candidate above the roof, and a roof below the baseline, withhold the speed") {
    evaluation.workloads = {timed(1, 19, 100, 20)};
    CHECK(pay(evaluation, settings) == 0.5);
    evaluation.workloads = {timed(1, 50, 100, 110)};
    CHECK(pay(evaluation, settings) == 0.5);
    evaluation.workloads = {timed(1, 200, 100, 110)};
    CHECK(pay(evaluation, settings) == 0.25);
    evaluation.workloads = {timed(1, 50, 100, 20)};
    evaluation.speedup->withheld = true;
    CHECK(pay(evaluation, settings) == 0.5);
  }
  SUBCASE("without a roof there is no score") {
    evaluation.workloads = {timed(1, 50, 100, std::nullopt)};
    CHECK(pay(evaluation, settings) == 0);
  }
  check_failures("sol_score", 0);
}

TEST_CASE("no preset pays a withheld speedup above the baseline's speed") {
  Evaluation evaluation = correct_at(30, 40, 50);
  evaluation.speedup->withheld = true;
  for (const std::string& model : reward_model_names()) {
    CAPTURE(model);
    CHECK(pay(evaluation, default_settings(model)) <= pay(correct_at(1), default_settings(model)) + 1e-12);
  }
}

TEST_CASE("in every preset the terms add up, names are unique, and infrastructure errors are never scored") {
  std::mt19937_64 random(3);
  std::uniform_real_distribution<double> unit(0, 1);
  for (const std::string& model : reward_model_names()) {
    CAPTURE(model);
    const auto reward_model = make_reward_model(default_settings(model));
    CHECK_FALSE(reward_about(model).empty());
    for (int i = 0; i < 500; ++i) {
      Evaluation evaluation = correct_at(std::exp2(10 * unit(random) - 5));
      if (i % 3 == 0) evaluation = failed_as(kAllVerdicts[i % kAllVerdicts.size()]);
      const Reward reward = reward_model->score(evaluation);
      if (evaluation.verdict == Verdict::infrastructure_error) {
        CHECK(std::isnan(reward.reward));
        CHECK(reward.terms.empty());
        continue;
      }
      double sum = 0;
      for (std::size_t a = 0; a < reward.terms.size(); ++a) {
        sum += reward.terms[a].value;
        CHECK_FALSE(reward.terms[a].why.empty());
        for (std::size_t b = 0; b < a; ++b) CHECK(reward.terms[a].name != reward.terms[b].name);
      }
      CHECK(std::abs(sum - reward.reward) <= 1e-12);
    }
  }
}
