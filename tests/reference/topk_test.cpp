// The freedom that the contract grants to topk_softmax, exactly, and nothing more.
#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "env/judge/checker.h"
#include "tests/reference/call_builder.h"

namespace crucible {
namespace {

constexpr double kInf = std::numeric_limits<double>::infinity();

struct Router {
  Router(const std::vector<double>& logits, std::int64_t k, bool renormalize = false) {
    call.tensor("weights", Access::output, DType::f32, {1, k})
        .tensor("ids", Access::output, DType::i32, {1, k})
        .tensor("logits", Access::input, DType::f32, {1, static_cast<std::int64_t>(logits.size())}, logits)
        .integer("renormalize", renormalize);
    expected = call.compute("topk_softmax");
  }

  bool accepts_ids(const std::vector<double>& ids) {
    call.set("ids", ids);
    const bool exact = !judge_output("ids", expected[1], call.layout("ids"), call.storage("ids"), Tolerance{});
    const bool custom = !reference_for("topk_softmax")->check_custom(call.view(), call.view()).has_value();
    // The interval form is a necessary condition, and the whole one where nothing is free.
    CHECK(AcceptedOutput(expected[1], call.layout("ids"), Tolerance{})
              .first_rejected(call.layout("ids"), call.storage("ids"))
              .has_value() != exact);
    if (custom) CHECK(exact);
    if (!expected[1].custom) CHECK(exact == custom);
    return custom;
  }

  CallBuilder call;
  std::vector<ExpectedOutput> expected;
};

TEST_CASE("distinct logits leave no choice") {
  Router router({0.5, 3, -1, 2}, 3);
  CHECK_FALSE(router.expected[1].custom);
  CHECK(router.accepts_ids({1, 3, 0}));
  CHECK_FALSE(router.accepts_ids({3, 1, 0}));
  CHECK_FALSE(router.accepts_ids({1, 3, 2}));
  CHECK_FALSE(router.accepts_ids({1, 1, 3}));
  CHECK_FALSE(router.accepts_ids({1, 3, 4}));
  CHECK_FALSE(router.accepts_ids({1, 3, -1}));
}

TEST_CASE("equal logits: the lower index first") {
  Router router({2, 1, 2, 2}, 2);
  CHECK(router.accepts_ids({0, 2}));
  CHECK_FALSE(router.accepts_ids({2, 0}));
  CHECK_FALSE(router.accepts_ids({0, 3}));
}

TEST_CASE("probabilities within 2^-20 of one another may swap, also across the k-th place; others may not") {
  const double close = 1 + 0x1p-21, apart = 1 + 0x1p-18;
  Router near({1, close, 0}, 2);
  CHECK(near.expected[1].custom);
  CHECK(near.accepts_ids({1, 0}));
  CHECK(near.accepts_ids({0, 1}));
  CHECK_FALSE(near.accepts_ids({0, 0}));
  CHECK_FALSE(near.accepts_ids({1, 2}));
  Router far({1, apart, 0}, 2);
  CHECK_FALSE(far.expected[1].custom);
  CHECK(far.accepts_ids({1, 0}));
  CHECK_FALSE(far.accepts_ids({0, 1}));
  Router cut({3, 1, close}, 2);
  CHECK(cut.accepts_ids({0, 1}));
  CHECK(cut.accepts_ids({0, 2}));
}

TEST_CASE("probabilities below 2^-126 may swap; equal ones still go by index") {
  Router router({0, -kInf, -100, -110, -kInf}, 4);
  CHECK(router.accepts_ids({0, 2, 3, 1}));
  CHECK(router.accepts_ids({0, 1, 2, 3}));
  CHECK(router.accepts_ids({0, 3, 1, 2}));
  CHECK_FALSE(router.accepts_ids({0, 4, 2, 3}));
  CHECK_FALSE(router.accepts_ids({2, 0, 3, 1}));
}

TEST_CASE("weights are the probabilities, renormalised on demand") {
  const std::vector<double> logits{0, std::log(2.0), std::log(5.0)};
  Router plain(logits, 2), normed(logits, 2, true);
  CHECK(plain.expected[0].value[0] == doctest::Approx(0.625).epsilon(1e-6));
  CHECK(plain.expected[0].value[1] == doctest::Approx(0.25).epsilon(1e-6));
  CHECK(normed.expected[0].value[0] == doctest::Approx(5.0 / 7).epsilon(1e-6));
  CHECK(normed.expected[0].value[1] == doctest::Approx(2.0 / 7).epsilon(1e-6));
  // Either order of a near-tie has its own weights accepted.
  Router tie({1, 1 + 0x1p-21, 0}, 2);
  for (const auto& [first, second] : {std::pair<int, int>{0, 1}, {1, 0}}) {
    const double sum = std::exp(1) + std::exp(1 + 0x1p-21) + 1;
    const double p[] = {std::exp(1) / sum, std::exp(1 + 0x1p-21) / sum};
    tie.call.set("weights", {p[first], p[second]});
    CHECK_FALSE(
        judge_output("weights", tie.expected[0], tie.call.layout("weights"), tie.call.storage("weights"), Tolerance{}));
  }
}

}  // namespace
}  // namespace crucible
