#include "reward/evaluation.h"

#include <doctest/doctest.h>

#include <set>

using namespace crucible;

TEST_CASE("every verdict has a name of its own, and comes back from it") {
  std::set<std::string_view> names;
  for (Verdict verdict : kAllVerdicts) {
    names.insert(to_string(verdict));
    CHECK(verdict_from_string(to_string(verdict)) == verdict);
  }
  CHECK(names.size() == 11);
  CHECK_FALSE(verdict_from_string("Correct").has_value());
  CHECK_FALSE(verdict_from_string("").has_value());
}

TEST_CASE("precedence is the design's order, whoever comes first") {
  const Verdict order[] = {
      Verdict::infrastructure_error, Verdict::integrity_violation, Verdict::malformed, Verdict::compile_error,
      Verdict::compile_timeout,      Verdict::load_error,          Verdict::crashed,   Verdict::timed_out,
      Verdict::wrong_result,         Verdict::not_deployable,      Verdict::correct};
  for (std::size_t i = 0; i < std::size(order); ++i) {
    for (std::size_t j = i; j < std::size(order); ++j) {
      CHECK(prevailing(order[i], order[j]) == order[i]);
      CHECK(prevailing(order[j], order[i]) == order[i]);
    }
  }
}

TEST_CASE("q counts families passed whole, of those that no trivial program passes") {
  Evaluation evaluation;
  CHECK(evaluation.passed_share() == 0);
  evaluation.families = {{"normal", true, 4, 4}, {"tiny", true, 4, 3}, {"zeros", false, 4, 4}, {"empty", true, 0, 0}};
  CHECK(evaluation.passed_share() == doctest::Approx(0.5));
  evaluation.families = {{"zeros", false, 4, 4}};
  CHECK(evaluation.passed_share() == 0);
}

TEST_CASE("timing modes come back from their names") {
  for (TimingMode mode : {TimingMode::none, TimingMode::chain, TimingMode::reveal, TimingMode::interval}) {
    CHECK(timing_mode_from_string(to_string(mode)) == mode);
  }
  CHECK_FALSE(timing_mode_from_string("revealed").has_value());
}
