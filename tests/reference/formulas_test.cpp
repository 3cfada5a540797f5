// References against formulas written again, in long double and another order.
#include <doctest/doctest.h>

#include <cmath>
#include <numbers>

#include "env/task/random.h"
#include "tests/reference/call_builder.h"

namespace crucible {
namespace {

using Real = long double;

std::vector<double> draw(std::size_t count, std::uint64_t stream, double scale = 1) {
  Random random({}, stream);
  std::vector<double> values(count);
  for (double& value : values) value = static_cast<float>(scale * random.normal());
  return values;
}

void check_close(const std::vector<double>& got, const std::vector<Real>& wanted) {
  REQUIRE(got.size() == wanted.size());
  for (std::size_t i = 0; i < got.size(); ++i)
    CHECK(std::fabs(static_cast<double>(got[i] - wanted[i])) <=
          1e-13 * (1 + std::fabs(static_cast<double>(wanted[i]))));
}

TEST_CASE("rms_norm, alone and after an addition") {
  const std::vector<double> x = draw(3 * 17, 1), r = draw(3 * 17, 2), w = draw(17, 3);
  CallBuilder call;
  call.tensor("out", Access::output, DType::f32, {3, 17})
      .tensor("input", Access::input, DType::f32, {3, 17}, x)
      .tensor("weight", Access::input, DType::f32, {17}, w)
      .real("epsilon", 0.1);
  std::vector<Real> wanted(x.size());
  for (int row = 2; row >= 0; --row) {
    Real squares = 0;
    for (int i = 16; i >= 0; --i) squares += Real{x[row * 17 + i]} * x[row * 17 + i];
    for (int i = 0; i < 17; ++i)
      wanted[row * 17 + i] = Real{w[i]} * x[row * 17 + i] / std::sqrt(squares / 17 + Real{0.1});
  }
  check_close(call.compute("rms_norm")[0].value, wanted);

  CallBuilder fused;
  fused.tensor("input", Access::inout, DType::bf16, {3, 17}, x)
      .tensor("residual", Access::inout, DType::bf16, {3, 17}, r)
      .tensor("weight", Access::input, DType::bf16, {17}, w)
      .real("epsilon", 0.1);
  const auto outputs = fused.compute("fused_add_rms_norm");
  REQUIRE(outputs.size() == 2);
  CHECK(outputs[0].argument == 0);
  CHECK(outputs[1].argument == 1);
  std::vector<Real> sum(x.size()), normed(x.size());
  for (std::size_t i = 0; i < x.size(); ++i) sum[i] = Real{round_to(DType::bf16, x[i])} + round_to(DType::bf16, r[i]);
  check_close(outputs[1].value, sum);
  for (int row = 0; row < 3; ++row) {
    Real squares = 0;
    std::vector<Real> rounded;
    for (int i = 0; i < 17; ++i) rounded.push_back(round_to(DType::bf16, static_cast<double>(sum[row * 17 + i])));
    for (const Real value : rounded) squares += value * value;
    for (int i = 0; i < 17; ++i)
      normed[row * 17 + i] = rounded[i] / std::sqrt(squares / 17 + Real{0.1}) * round_to(DType::bf16, w[i]);
  }
  check_close(outputs[0].value, normed);
}

TEST_CASE("layer_norm with and without bias") {
  const std::vector<double> x = draw(4 * 9, 4), w = draw(9, 5), b = draw(9, 6);
  for (const bool with_bias : {true, false}) {
    CallBuilder call;
    call.tensor("out", Access::output, DType::f32, {2, 2, 9})
        .tensor("input", Access::input, DType::f32, {2, 2, 9}, x)
        .tensor("weight", Access::input, DType::f32, {9}, w);
    if (with_bias)
      call.tensor("bias", Access::input, DType::f32, {9}, b);
    else
      call.absent("bias");
    call.real("epsilon", 1e-5);
    std::vector<Real> wanted(x.size());
    for (int row = 0; row < 4; ++row) {
      Real mean = 0, squares = 0;
      for (int i = 0; i < 9; ++i) mean += Real{x[row * 9 + i]} / 9;
      for (int i = 0; i < 9; ++i) squares += Real{x[row * 9 + i]} * x[row * 9 + i] / 9;
      for (int i = 0; i < 9; ++i)
        wanted[row * 9 + i] = (x[row * 9 + i] - mean) / std::sqrt(squares - mean * mean + Real{1e-5}) * w[i] +
                              (with_bias ? Real{b[i]} : 0);
    }
    check_close(call.compute("layer_norm")[0].value, wanted);
  }
}

TEST_CASE("silu_and_mul and softmax") {
  const std::vector<double> x = draw(3 * 10, 7, 3);
  CallBuilder silu;
  silu.tensor("out", Access::output, DType::f32, {3, 5}).tensor("input", Access::input, DType::f32, {3, 10}, x);
  std::vector<Real> wanted;
  for (int row = 0; row < 3; ++row)
    for (int i = 0; i < 5; ++i) {
      const Real gate = x[row * 10 + i];
      wanted.push_back(gate * (1 + std::tanh(gate / 2)) / 2 * x[row * 10 + 5 + i]);
    }
  const auto silu_out = silu.compute("silu_and_mul");
  check_close(silu_out[0].value, wanted);
  CHECK(silu_out[0].flush[1] == std::fabs(x[1] * x[6]));

  CallBuilder softmax;
  softmax.tensor("out", Access::output, DType::f32, {3, 10}).tensor("input", Access::input, DType::f32, {3, 10}, x);
  wanted.clear();
  for (int row = 0; row < 3; ++row)
    for (int i = 0; i < 10; ++i) {
      Real sum = 0;  // 1 / Σ exp(x_j − x_i), no maximum subtracted
      for (int j = 0; j < 10; ++j) sum += std::exp(Real{x[row * 10 + j]} - x[row * 10 + i]);
      wanted.push_back(1 / sum);
    }
  check_close(softmax.compute("softmax")[0].value, wanted);
}

TEST_CASE("rotary_embedding turns pairs as complex numbers, and pins the rest") {
  const int heads = 2, size = 6, rotated = 4, tokens = 3;
  const std::vector<double> q = draw(tokens * heads * size, 8), k = draw(tokens * size, 9),
                            table = draw(5 * rotated, 10);
  for (const bool neox : {true, false}) {
    CallBuilder call;
    call.tensor("positions", Access::input, DType::i64, {tokens}, {4, 0, 2})
        .tensor("query", Access::inout, DType::f32, {tokens, heads * size}, q)
        .tensor("key", Access::inout, DType::f32, {tokens, size}, k)
        .integer("head_size", size)
        .tensor("cos_sin_cache", Access::input, DType::f32, {5, rotated}, table)
        .integer("is_neox", neox);
    const auto outputs = call.compute("rotary_embedding");
    REQUIRE(outputs.size() == 2);
    const std::vector<int> positions{4, 0, 2};
    std::vector<Real> wanted(q.begin(), q.end());
    for (int t = 0; t < tokens; ++t)
      for (int head = 0; head < heads; ++head)
        for (int i = 0; i < 2; ++i) {
          const int base = (t * heads + head) * size, a = base + (neox ? i : 2 * i),
                    b = base + (neox ? i + 2 : 2 * i + 1);
          const Real cosine = table[positions[t] * rotated + i], sine = table[positions[t] * rotated + 2 + i];
          wanted[a] = q[a] * cosine - q[b] * sine;
          wanted[b] = q[b] * cosine + q[a] * sine;
        }
    check_close(outputs[0].value, wanted);
    for (int i = 0; i < tokens * heads * size; ++i) CHECK(outputs[0].pinned[i] == (i % size >= rotated));
  }
}

TEST_CASE("gemm and gemm_gelu") {
  const std::vector<double> a = draw(3 * 7, 11), b = draw(7 * 5, 12), bias = draw(5, 13);
  CallBuilder call;
  call.tensor("out", Access::output, DType::f32, {3, 5})
      .tensor("a", Access::input, DType::f32, {3, 7}, a)
      .tensor("b", Access::input, DType::f32, {7, 5}, b)
      .tensor("bias", Access::input, DType::f32, {5}, bias);
  std::vector<Real> product, gelu;
  std::vector<double> slope;
  for (int m = 0; m < 3; ++m)
    for (int n = 0; n < 5; ++n) {
      Real sum = bias[n];
      for (int k = 6; k >= 0; --k) sum += Real{a[m * 7 + k]} * b[k * 5 + n];
      product.push_back(sum);
      const auto curve = [](Real z) {
        return z / 2 * (1 + std::tanh(std::sqrt(2 / std::numbers::pi_v<Real>) * (z + Real{0.044715} * z * z * z)));
      };
      gelu.push_back(curve(sum));
      slope.push_back(static_cast<double>((curve(sum + 1e-6L) - curve(sum - 1e-6L)) / 2e-6L));
    }
  check_close(call.compute("gemm")[0].value, product);
  const auto out = call.compute("gemm_gelu");
  check_close(out[0].value, gelu);
  for (std::size_t i = 0; i < slope.size(); ++i)
    CHECK(out[0].extra[i] ==
          doctest::Approx(0x1p-24 * std::fabs(static_cast<double>(product[i]) * slope[i])).epsilon(1e-6));
}

TEST_CASE("paged_decode_attention follows the block table and nothing else") {
  const int heads = 4, kv_heads = 2, size = 8, page = 2, blocks = 5;
  const double nan = std::nan("");
  const std::vector<double> q = draw(2 * heads * size, 14);
  std::vector<double> keys = draw(blocks * page * kv_heads * size, 15),
                      values = draw(blocks * page * kv_heads * size, 16);
  const std::vector<int> table{4, 1, 3, 2, 0, 0}, lengths{5, 1};
  // Block 0 and the second row of blocks 3 and 2 are reached by nobody.
  const auto forget = [&](int block, int row) {
    for (int i = 0; i < kv_heads * size; ++i)
      keys[(block * page + row) * kv_heads * size + i] = values[(block * page + row) * kv_heads * size + i] = nan;
  };
  forget(0, 0), forget(0, 1), forget(3, 1), forget(2, 1);
  CallBuilder call;
  call.tensor("out", Access::output, DType::f32, {2, heads, size})
      .tensor("query", Access::input, DType::f32, {2, heads, size}, q)
      .tensor("key_cache", Access::input, DType::f32, {blocks, page, kv_heads, size}, keys)
      .tensor("value_cache", Access::input, DType::f32, {blocks, page, kv_heads, size}, values)
      .tensor("block_table", Access::input, DType::i32, {2, 3}, {4, 1, 3, 2, 0, 0})
      .tensor("seq_lens", Access::input, DType::i32, {2}, {5, 1})
      .real("scale", 0.4);
  std::vector<Real> wanted;
  for (int s = 0; s < 2; ++s)
    for (int head = 0; head < heads; ++head) {
      std::vector<Real> average(size, 0);
      Real total = 0;
      for (int j = 0; j < lengths[s]; ++j) {
        const int row = ((table[s * 3 + j / page] * page + j % page) * kv_heads + head / 2) * size;
        Real score = 0;
        for (int i = 0; i < size; ++i) score += Real{q[(s * heads + head) * size + i]} * keys[row + i];
        const Real weight = std::exp(score * Real{0.4});
        total += weight;
        for (int i = 0; i < size; ++i) average[i] += weight * values[row + i];
      }
      for (const Real sum : average) wanted.push_back(sum / total);
    }
  check_close(call.compute("paged_decode_attention")[0].value, wanted);
}

}  // namespace
}  // namespace crucible
