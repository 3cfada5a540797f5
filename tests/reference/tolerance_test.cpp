// The tolerance from both sides, at scales 1e-3, 1 and 1e3: honest orders of summation pass, a dropped term of eight
// fails.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>

#include "env/judge/checker.h"
#include "env/task/random.h"
#include "tests/reference/call_builder.h"

namespace crucible {
namespace {

using Summation = float (*)(const std::vector<float>&);

float forwards(const std::vector<float>& terms) { return std::accumulate(terms.begin(), terms.end(), 0.0f); }
float backwards(const std::vector<float>& terms) { return std::accumulate(terms.rbegin(), terms.rend(), 0.0f); }
float pairwise(const std::vector<float>& terms) {
  if (terms.size() == 1) return terms[0];
  const auto middle = terms.begin() + static_cast<std::ptrdiff_t>(terms.size() / 2);
  return pairwise({terms.begin(), middle}) + pairwise({middle, terms.end()});
}
/// Sixteen running sums, as vector code has: the honest way to add thousands of terms.
float lanes(const std::vector<float>& terms) {
  std::vector<float> partial(16, 0.0f);
  for (std::size_t i = 0; i < terms.size(); ++i) partial[i % 16] += terms[i];
  return pairwise(partial);
}
float one_dropped(const std::vector<float>& terms) { return forwards(terms) - terms[terms.size() / 2]; }

std::vector<double> draw(std::size_t count, double scale, DType dtype, std::uint64_t stream) {
  Random random({}, stream);
  std::vector<double> values(count);
  for (double& value : values) value = round_to(dtype, scale * random.normal());
  return values;
}

constexpr std::size_t kRows = 32;

double eta(const CallBuilder& call, const char* task) {
  return measure_error(call.compute(task)[0], call.layout("out"), call.storage("out")).eta;
}

double rms_norm_eta(Summation sum, std::size_t width, double scale, DType dtype) {
  const std::vector<double> x = draw(kRows * width, scale, dtype, 1), w = draw(width, 1, dtype, 2);
  const auto rows = static_cast<std::int64_t>(kRows), columns = static_cast<std::int64_t>(width);
  CallBuilder call;
  call.tensor("out", Access::output, dtype, {rows, columns})
      .tensor("input", Access::input, dtype, {rows, columns}, x)
      .tensor("weight", Access::input, dtype, {columns}, w)
      .real("epsilon", 1e-6);
  std::vector<double> out(x.size());
  for (std::size_t r = 0; r < kRows; ++r) {
    std::vector<float> squares;
    for (std::size_t i = 0; i < width; ++i)
      squares.push_back(static_cast<float>(x[r * width + i]) * static_cast<float>(x[r * width + i]));
    const float factor = 1 / std::sqrt(sum(squares) / static_cast<float>(width) + 1e-6f);
    for (std::size_t i = 0; i < width; ++i)
      out[r * width + i] = static_cast<float>(x[r * width + i]) * factor * static_cast<float>(w[i]);
  }
  call.set("out", out);
  return eta(call, "rms_norm");
}

double gemm_eta(Summation sum, std::size_t depth, double scale, DType dtype) {
  const std::size_t columns = 24;
  const std::vector<double> a = draw(kRows * depth, scale, dtype, 3), b = draw(depth * columns, scale, dtype, 4);
  const auto rows = static_cast<std::int64_t>(kRows), k = static_cast<std::int64_t>(depth);
  CallBuilder call;
  call.tensor("out", Access::output, dtype, {rows, 24})
      .tensor("a", Access::input, dtype, {rows, k}, a)
      .tensor("b", Access::input, dtype, {k, 24}, b)
      .absent("bias");
  std::vector<double> out(kRows * columns);
  for (std::size_t m = 0; m < kRows; ++m)
    for (std::size_t n = 0; n < columns; ++n) {
      std::vector<float> products;
      for (std::size_t i = 0; i < depth; ++i)
        products.push_back(static_cast<float>(a[m * depth + i]) * static_cast<float>(b[i * columns + n]));
      out[m * columns + n] = sum(products);
    }
  call.set("out", out);
  return eta(call, "gemm");
}

double softmax_eta(Summation sum, std::size_t width, double scale, DType dtype) {
  const std::vector<double> x = draw(kRows * width, scale, dtype, 5);
  const auto rows = static_cast<std::int64_t>(kRows), columns = static_cast<std::int64_t>(width);
  CallBuilder call;
  call.tensor("out", Access::output, dtype, {rows, columns}).tensor("input", Access::input, dtype, {rows, columns}, x);
  std::vector<double> out(x.size());
  for (std::size_t r = 0; r < kRows; ++r) {
    const auto largest = static_cast<float>(*std::max_element(&x[r * width], &x[r * width] + width));
    std::vector<float> terms;
    for (std::size_t i = 0; i < width; ++i) terms.push_back(std::exp(static_cast<float>(x[r * width + i]) - largest));
    const float total = sum(terms);
    for (std::size_t i = 0; i < width; ++i) out[r * width + i] = terms[i] / total;
  }
  call.set("out", out);
  return eta(call, "softmax");
}

/// A row's mean is half its deviation: where it nearly vanishes, |x| + |mean| says little about what a sum must cost.
double layer_norm_eta(Summation sum, std::size_t width, double scale, DType dtype) {
  std::vector<double> x = draw(kRows * width, scale, dtype, 6);
  for (double& value : x) value = round_to(dtype, value + 0.5 * scale);
  const std::vector<double> w = draw(width, 1, dtype, 7);
  const auto rows = static_cast<std::int64_t>(kRows), columns = static_cast<std::int64_t>(width);
  CallBuilder call;
  call.tensor("out", Access::output, dtype, {rows, columns})
      .tensor("input", Access::input, dtype, {rows, columns}, x)
      .tensor("weight", Access::input, dtype, {columns}, w)
      .absent("bias")
      .real("epsilon", 1e-5);
  std::vector<double> out(x.size());
  for (std::size_t r = 0; r < kRows; ++r) {
    std::vector<float> row, squares;
    for (std::size_t i = 0; i < width; ++i) row.push_back(static_cast<float>(x[r * width + i]));
    const float mean = sum(row) / static_cast<float>(width);
    for (const float value : row) squares.push_back((value - mean) * (value - mean));
    const float factor = 1 / std::sqrt(sum(squares) / static_cast<float>(width) + 1e-5f);
    for (std::size_t i = 0; i < width; ++i) out[r * width + i] = (row[i] - mean) * factor * static_cast<float>(w[i]);
  }
  call.set("out", out);
  return eta(call, "layer_norm");
}

using Eta = double (*)(Summation, std::size_t, double, DType);

/// Whether `sum` passes the bar that a baseline which sums in `lanes` sets: max(2, 2·η_b).
bool passes(Eta eta_of, Summation sum, std::size_t width, double scale, DType dtype) {
  return eta_of(sum, width, scale, dtype) <= std::max(2.0, 2 * eta_of(lanes, width, scale, dtype));
}

TEST_CASE("honest orders of summation pass and a dropped term of eight fails, at every scale") {
  for (const auto& [name, eta_of] : {std::pair<std::string, Eta>{"rms_norm", rms_norm_eta},
                                     {"gemm", gemm_eta},
                                     {"softmax", softmax_eta},
                                     {"layer_norm", layer_norm_eta}})
    for (const double scale : {1e-3, 1.0, 1e3})
      for (const DType dtype : {DType::f32, DType::bf16}) {
        CAPTURE(name);
        CAPTURE(scale);
        CAPTURE(std::string(to_string(dtype)));
        CHECK(passes(eta_of, forwards, 8, scale, dtype));
        CHECK(passes(eta_of, backwards, 8, scale, dtype));
        CHECK(passes(eta_of, pairwise, 8, scale, dtype));
        CHECK_FALSE(passes(eta_of, one_dropped, 8, scale, dtype));
        CHECK(passes(eta_of, pairwise, 1000, scale, dtype));
        CHECK(eta_of(lanes, 1000, scale, dtype) < 5);  // far below the cap of 16 for baselines
        CHECK(eta_of(one_dropped, 8, scale, dtype) > 16);
      }
}

TEST_CASE("a running fp32 sum over very many terms is not as accurate as production") {
  CHECK(passes(rms_norm_eta, pairwise, 32771, 1, DType::f32));
  CHECK_FALSE(passes(rms_norm_eta, forwards, 200'003, 1, DType::f32));
}

}  // namespace
}  // namespace crucible
