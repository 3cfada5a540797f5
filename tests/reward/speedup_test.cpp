#include "reward/speedup.h"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <stdexcept>

#include "tests/reward/synthetic_machine.h"

using namespace crucible;

namespace {

/// n pairs of exactly these times, spread over two crossed runners a side.
WorkloadTiming steady(double count, double candidate, double baseline, int n) {
  WorkloadTiming workload;
  workload.count = count;
  workload.mode = TimingMode::reveal;
  workload.between_runner_sd = 0.01;
  for (int i = 0; i < n; ++i) {
    workload.pairs.push_back(
        {candidate, baseline, static_cast<std::uint32_t>(i % 2), static_cast<std::uint32_t>((i + i / 2) % 2)});
  }
  return workload;
}

double half_width(const Speedup& speedup) { return std::log(speedup.upper / speedup.lower) / 2; }

}  // namespace

TEST_CASE("S weighs times by production's counts") {
  std::vector<WorkloadTiming> workloads = {steady(3, 50, 100, 4), steady(1, 400, 200, 4)};
  const auto speedup = estimate_speedup(workloads, 0);
  REQUIRE(speedup);
  CHECK(speedup->estimate == doctest::Approx((3 * 100 + 200) / (3 * 50 + 400.0)));
  CHECK(speedup->pairs == 8);
  CHECK(speedup->mode == TimingMode::reveal);
  CHECK(*workloads[0].candidate_ns == doctest::Approx(50));
  CHECK(*workloads[1].baseline_ns == doctest::Approx(200));
  CHECK(speedup->lower < speedup->estimate);
  CHECK(std::log(speedup->upper / speedup->estimate) == doctest::Approx(std::log(speedup->estimate / speedup->lower)));
}

TEST_CASE("swapping the sides inverts S and its interval") {
  testing::Machine machine;
  testing::SyntheticEvaluation evaluation(machine, {{1, 1000, 1.4}, {2, 300, 0.9}}, 2, 5);
  std::vector<WorkloadTiming> workloads = evaluation.measure(8), swapped = workloads;
  for (WorkloadTiming& workload : swapped) {
    for (TimedPair& pair : workload.pairs) {
      std::swap(pair.candidate_ns, pair.baseline_ns);
      std::swap(pair.candidate_runner, pair.baseline_runner);
    }
  }
  const auto one = estimate_speedup(workloads, 1), other = estimate_speedup(swapped, 1);
  CHECK(other->estimate == doctest::Approx(1 / one->estimate).epsilon(1e-12));
  CHECK(other->lower == doctest::Approx(1 / one->upper).epsilon(1e-12));
}

TEST_CASE("identical pairs keep the width that the runners' sd demands") {
  std::vector<WorkloadTiming> workloads = {steady(1, 100, 100, 4)};
  const double narrow = half_width(*estimate_speedup(workloads, 0));
  CHECK(narrow > 2.8 * 0.01);
  CHECK(narrow < 3.5 * 0.01);
  workloads[0].between_runner_sd = 0.03;
  CHECK(half_width(*estimate_speedup(workloads, 0)) == doctest::Approx(3 * narrow));
  workloads[0].between_runner_sd = 0;  // warm measured none: the default
  CHECK(half_width(*estimate_speedup(workloads, 0)) == doctest::Approx(narrow));
}

TEST_CASE("one runner a side is less sure than two, two less than four") {
  std::vector<WorkloadTiming> workloads = {steady(1, 100, 100, 8)};
  const double two = half_width(*estimate_speedup(workloads, 1));
  for (TimedPair& pair : workloads[0].pairs) pair.candidate_runner = pair.baseline_runner = 0;
  const double one = half_width(*estimate_speedup(workloads, 1));
  for (std::uint32_t i = 0; i < 8; ++i) {
    workloads[0].pairs[i].candidate_runner = i % 4;
    workloads[0].pairs[i].baseline_runner = (i + i / 4) % 4;
  }
  const double four = half_width(*estimate_speedup(workloads, 1));
  CHECK(one == doctest::Approx(two * std::sqrt(2.0)));
  CHECK(four == doctest::Approx(two / std::sqrt(2.0)));
}

TEST_CASE("a spike among eight pairs moves neither S nor the interval's scale") {
  testing::Machine machine;
  testing::SyntheticEvaluation evaluation(machine, {{1, 1000, 1.2}}, 2, 11);
  std::vector<WorkloadTiming> workloads = evaluation.measure(8), spiked = workloads;
  spiked[0].pairs[3].candidate_ns *= 50;
  const auto clean = estimate_speedup(workloads, 1), hit = estimate_speedup(spiked, 1);
  CHECK(std::abs(std::log(hit->estimate / clean->estimate)) < 0.01);
  CHECK(half_width(*hit) < 2 * half_width(*clean));
}

TEST_CASE("runners that differ far more than warm's sd are believed") {
  std::vector<WorkloadTiming> workloads = {steady(1, 100, 100, 32)};
  for (TimedPair& pair : workloads[0].pairs) {
    if (pair.candidate_runner == 1) pair.candidate_ns *= 1.5;
  }
  const auto interval = estimate_interval(workloads, 3);
  CHECK(interval->warm_refuted);
  CHECK(interval->speedup.lower < 0.5);
  CHECK(look_at(workloads, 3)->enough);  // more pairs cannot help
}

TEST_CASE("what cannot be timed has no interval") {
  std::vector<WorkloadTiming> none;
  CHECK_FALSE(estimate_speedup(none, 0).has_value());
  std::vector<WorkloadTiming> one_pair = {steady(1, 100, 100, 1)};
  CHECK_FALSE(estimate_speedup(one_pair, 0).has_value());
  std::vector<WorkloadTiming> missing = {steady(1, 100, 100, 4), steady(1, 100, 100, 0)};
  CHECK_FALSE(estimate_speedup(missing, 0).has_value());

  std::vector<WorkloadTiming> broken = {steady(1, 100, 120, 8)};
  for (double bad : {0.0, -5.0, std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity()}) {
    broken[0].pairs[2].candidate_ns = bad;
    const auto speedup = estimate_speedup(broken, 1);
    REQUIRE(speedup);
    CHECK(speedup->pairs == 7);
    CHECK(speedup->estimate == doctest::Approx(1.2));
  }
  for (int i = 0; i < 5; ++i) broken[0].pairs[i].candidate_ns = -1;
  CHECK_FALSE(estimate_speedup(broken, 1).has_value());
}

TEST_CASE("the shares of alpha add up to 1 − confidence") {
  IntervalSettings settings;
  double spent = 0;
  for (int look = 0; look < 5; ++look) spent += alpha_of_look(look, settings);
  CHECK(spent == doctest::Approx(0.01));
  CHECK(alpha_of_look(0, settings) == doctest::Approx(0.005));
  CHECK_THROWS_AS(alpha_of_look(5, settings), std::out_of_range);
  CHECK_THROWS_AS(alpha_of_look(-1, settings), std::out_of_range);
  settings.looks = {4};
  CHECK(alpha_of_look(0, settings) == doctest::Approx(0.01));
}

TEST_CASE("a few runners that agree by luck do not promise more than the default") {
  CHECK(between_runner_sd({}) == doctest::Approx(0.01));
  const std::vector<double> alike = {5, 5, 5}, apart = {5, 5.1, 4.9};
  CHECK(between_runner_sd(alike) == doctest::Approx(0.01 * std::sqrt(4.0 / 6)));
  CHECK(between_runner_sd(apart) == doctest::Approx(std::sqrt((4 * 1e-4 + 0.02) / 6)));
  std::vector<double> many;
  for (int i = 0; i < 400; ++i) many.push_back(i % 2 == 0 ? 0.03 : -0.03);
  CHECK(between_runner_sd(many) == doctest::Approx(0.03).epsilon(0.01));
}

TEST_CASE("results stay finite for absurd times") {
  std::vector<WorkloadTiming> workloads = {steady(1, 100, 100, 4)};
  workloads[0].pairs[0].candidate_ns = 1e300;
  workloads[0].pairs[1].candidate_ns = 1e-300;
  const auto speedup = estimate_speedup(workloads, 0);
  REQUIRE(speedup);
  CHECK(std::isfinite(speedup->upper));
  CHECK(speedup->lower >= 0);
}

TEST_CASE("the stopping rule stops for narrowness, for a settled reward, or for the last look") {
  const StoppingRule rule;
  const Speedup narrow{1, 0.995, 1.005, 8, TimingMode::reveal, false, ""};
  const Speedup wide{1, 0.9, 1.1, 8, TimingMode::reveal, false, ""};
  CHECK(rule.enough(narrow, 0.1, 0.9));
  CHECK(rule.enough(wide, 0.440, 0.449));
  CHECK_FALSE(rule.enough(wide, 0.42, 0.49));

  testing::Machine machine;
  machine.noise = 0.2;
  testing::SyntheticEvaluation evaluation(machine, {{1, 1000, 1}}, 2, 3);
  const IntervalSettings settings;
  CHECK_FALSE(look_at(evaluation.measure(4), 0)->enough);
  CHECK(look_at(evaluation.measure(64), 4)->enough);

  // At 40 times the baseline's speed the curve is flat: the reward is known long before the speed is.
  testing::SyntheticEvaluation fast(machine, {{1, 1000, 300}}, 2, 3);
  CHECK(look_at(fast.measure(8), 1)->enough);
}
