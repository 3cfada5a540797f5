#include <doctest/doctest.h>

#include <limits>
#include <stdexcept>

#include "tests/reward/facts.h"

using namespace crucible;
using namespace crucible::testing;

namespace {

std::string problem_of(const RewardSettings& settings) {
  const auto problem = find_problem(settings);
  return problem ? problem->key : "none";
}

}  // namespace

TEST_CASE("the settings of every model are valid and complete") {
  for (const std::string& model : reward_model_names()) {
    CAPTURE(model);
    const RewardSettings settings = default_settings(model);
    CHECK(problem_of(settings) == "none");
    CHECK(settings.prices.size() == kAllVerdicts.size());
    const RewardSettings completed = make_reward_model({model, {}, settings.prices})->settings();
    CHECK(completed.numbers == settings.numbers);
  }
}

TEST_CASE("an unknown model, number or value outside its range is named") {
  RewardSettings settings = default_settings();
  settings.model = "crucibel";
  CHECK(problem_of(settings) == "model");
  CHECK_THROWS_AS(make_reward_model(settings), std::invalid_argument);
  CHECK_THROWS_AS(default_settings("crucibel"), std::invalid_argument);
  CHECK(problem_of(with(default_settings(), "novelty.bonus", 1)) == "novelty.bonus");
  CHECK(problem_of(with(default_settings(), "novelty.handicap", 0.9)) == "novelty.handicap");
  CHECK(problem_of(with(default_settings(), "speedup.weight", -0.1)) == "speedup.weight");
  CHECK(problem_of(with(default_settings(), "speedup.fast_octaves", 0)) == "speedup.fast_octaves");
  CHECK(problem_of(with(default_settings(), "novelty.enabled", 0.5)) == "novelty.enabled");
  CHECK(problem_of(with(default_settings(), "speedup.weight", std::numeric_limits<double>::quiet_NaN())) ==
        "speedup.weight");
  CHECK(problem_of(with(default_settings(), "partial.weight", 0.29)) == "partial.weight");
}

TEST_CASE("a missing price is named, whichever it is") {
  for (Verdict verdict : kAllVerdicts) {
    RewardSettings settings = default_settings();
    settings.prices.erase(verdict);
    CHECK(problem_of(settings) == "prices." + std::string(to_string(verdict)));
  }
}

TEST_CASE("a cheat priced above any honest failure is refused, in every model") {
  for (const std::string& model : reward_model_names()) {
    for (Verdict verdict : kAllVerdicts) {
      if (verdict == Verdict::integrity_violation || verdict == Verdict::infrastructure_error) continue;
      RewardSettings settings = default_settings(model);
      settings.prices[Verdict::integrity_violation] = settings.prices[verdict] + 0.001;
      CAPTURE(model);
      CHECK(problem_of(settings) == "prices.integrity_violation");
    }
  }
}

TEST_CASE("a failure priced above correctness, or a number where none may be, is refused") {
  RewardSettings settings = default_settings();
  settings.prices[Verdict::not_deployable] = 0.31;
  CHECK(problem_of(settings) == "prices.not_deployable");
  settings = default_settings();
  settings.prices[Verdict::infrastructure_error] = 0;
  CHECK(problem_of(settings) == "prices.infrastructure_error");
  settings = default_settings();
  settings.prices[Verdict::crashed] = std::numeric_limits<double>::infinity();
  CHECK(problem_of(settings) == "prices.crashed");
}
