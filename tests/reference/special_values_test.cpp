// What NaN, Inf, empty sums and flushed exponentials give, against plain float formulas.
#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "env/judge/checker.h"
#include "tests/reference/call_builder.h"

namespace crucible {
namespace {

constexpr double kInf = std::numeric_limits<double>::infinity();
const double kNaN = std::nan("");

bool accepts(const std::vector<ExpectedOutput>& expected, CallBuilder& call, const std::vector<double>& out) {
  call.set("out", out);
  return !judge_output("out", expected[0], call.layout("out"), call.storage("out"), Tolerance{}).has_value();
}

TEST_CASE("softmax: -Inf has probability 0, a row of -Inf and rows with NaN or +Inf are NaN") {
  CallBuilder call;
  call.tensor("out", Access::output, DType::f32, {4, 2})
      .tensor("input", Access::input, DType::f32, {4, 2}, {0, -kInf, -kInf, -kInf, kInf, 1, kNaN, 1});
  const auto expected = call.compute("softmax");
  CHECK(accepts(expected, call, {1, 0, kNaN, kNaN, kNaN, kNaN, kNaN, kNaN}));
  CHECK_FALSE(accepts(expected, call, {1, 0, 0, 0, kNaN, kNaN, kNaN, kNaN}));
  CHECK_FALSE(accepts(expected, call, {1, 0, kNaN, kNaN, 1, 0, kNaN, kNaN}));
}

TEST_CASE("softmax and silu may flush what lies below the normal range, and no more") {
  CallBuilder softmax;
  softmax.tensor("out", Access::output, DType::f32, {1, 3})
      .tensor("input", Access::input, DType::f32, {1, 3}, {0, -95, -80});
  const auto p = softmax.compute("softmax");
  CHECK(accepts(p, softmax, {1, 0, std::exp(-80.0)}));
  CHECK(accepts(p, softmax, {1, std::exp(-95.0), std::exp(-80.0)}));
  CHECK_FALSE(accepts(p, softmax, {1, 0, 0}));
  CallBuilder silu;
  silu.tensor("out", Access::output, DType::f32, {1, 2})
      .tensor("input", Access::input, DType::f32, {1, 4}, {-90, -60, 1000, 1});
  const auto s = silu.compute("silu_and_mul");
  CHECK(accepts(s, silu, {-0.0, -60 * std::exp(-60.0)}));
  CHECK_FALSE(accepts(s, silu, {-0.0, 0}));
}

TEST_CASE("silu_and_mul of NaN and Inf is what IEEE arithmetic gives") {
  const std::vector<double> gates{kInf, -kInf, kNaN, kInf, -0.0, 2, kInf}, ups{2, 2, 2, 0, 3, kInf, -kInf};
  std::vector<double> input = gates, out;
  input.insert(input.end(), ups.begin(), ups.end());
  for (std::size_t i = 0; i < gates.size(); ++i) {
    const auto gate = static_cast<float>(gates[i]);
    out.push_back(gate / (1 + std::exp(-gate)) * static_cast<float>(ups[i]));
  }
  CallBuilder call;
  call.tensor("out", Access::output, DType::f32, {7}).tensor("input", Access::input, DType::f32, {14}, input);
  const auto expected = call.compute("silu_and_mul");
  CHECK(accepts(expected, call, out));
  out[1] = 0;  // silu(-Inf) is -Inf · 0
  CHECK_FALSE(accepts(expected, call, out));
}

TEST_CASE("norms of rows with Inf and NaN") {
  CallBuilder call;
  call.tensor("out", Access::output, DType::f32, {2, 3})
      .tensor("input", Access::input, DType::f32, {2, 3}, {kInf, 1, -2, kNaN, 1, 2})
      .tensor("weight", Access::input, DType::f32, {3}, {1, 1, 1})
      .real("epsilon", 1e-6);
  CHECK(accepts(call.compute("rms_norm"), call, {kNaN, 0, -0.0, kNaN, kNaN, kNaN}));
  CallBuilder layer;
  layer.tensor("out", Access::output, DType::f32, {2, 3})
      .tensor("input", Access::input, DType::f32, {2, 3}, {kInf, 1, -2, 0, 0, 0})
      .tensor("weight", Access::input, DType::f32, {3}, {1, 1, 1})
      .tensor("bias", Access::input, DType::f32, {3}, {1, 2, 3})
      .real("epsilon", 1e-5);
  CHECK(accepts(layer.compute("layer_norm"), layer, {kNaN, kNaN, kNaN, 1, 2, 3}));
}

TEST_CASE("gemm: Inf times zero is NaN, K = 0 leaves bias or 0") {
  CallBuilder call;
  call.tensor("out", Access::output, DType::f32, {2, 2})
      .tensor("a", Access::input, DType::f32, {2, 2}, {kInf, 1, 1, 1})
      .tensor("b", Access::input, DType::f32, {2, 2}, {0, 2, 1, 1})
      .absent("bias");
  CHECK(accepts(call.compute("gemm"), call, {kNaN, kInf, 1, 3}));
  CallBuilder empty;
  empty.tensor("out", Access::output, DType::f32, {2, 2})
      .tensor("a", Access::input, DType::f32, {2, 0})
      .tensor("b", Access::input, DType::f32, {0, 2})
      .tensor("bias", Access::input, DType::f32, {2}, {3, -4});
  CHECK(accepts(empty.compute("gemm"), empty, {3, -4, 3, -4}));
  CHECK(empty.compute("gemm_gelu")[0].value[0] == doctest::Approx(2.99636).epsilon(1e-5));
}

TEST_CASE("calls without elements have empty expectations") {
  for (const auto& [rows, columns] : {std::pair<std::int64_t, std::int64_t>{0, 4}, {3, 0}}) {
    CallBuilder call;
    call.tensor("out", Access::output, DType::f32, {rows, columns})
        .tensor("input", Access::input, DType::f32, {rows, columns})
        .tensor("weight", Access::input, DType::f32, {columns},
                std::vector<double>(static_cast<std::size_t>(columns), 1.0))
        .real("epsilon", 1e-6);
    for (const char* task : {"rms_norm", "softmax"}) {
      const auto expected = call.compute(task);
      CHECK(expected[0].value.empty());
      CHECK_FALSE(judge_output("out", expected[0], call.layout("out"), nullptr, Tolerance{}).has_value());
      CHECK_FALSE(
          AcceptedOutput(expected[0], call.layout("out"), Tolerance{}).first_rejected(call.layout("out"), nullptr));
    }
  }
}

}  // namespace
}  // namespace crucible
