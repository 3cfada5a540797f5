#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <set>

#include "env/judge/checker.h"
#include "env/task/rows.h"
#include "tests/reference/call_builder.h"

namespace crucible {
namespace {

constexpr double kInf = std::numeric_limits<double>::infinity();

std::array<std::uint8_t, 32> key_of(std::uint8_t byte) {
  std::array<std::uint8_t, 32> key{};
  key[0] = byte;
  return key;
}

std::vector<std::string> cuda_directories() { return {std::string(CRUCIBLE_TASK_DIR) + "/cuda", CRUCIBLE_TASK_DIR}; }

TEST_CASE("every task of the cuda backend has f16, a kernel of its own, an oracle, and data for every hidden case") {
  for (const std::string& name : task_names(cuda_directories())) {
    CAPTURE(name);
    const auto task = find_task(name, cuda_directories(), "cuda");
    CHECK(task->seed_kernel.find("int " + name + "(") != std::string::npos);
    CHECK(task->seed_kernel.find("__global__") != std::string::npos);
    std::set<DType> dtypes;
    std::size_t timed = 0;
    for (const Workload& workload : task->workloads) {
      dtypes.insert(workload.dtype);
      timed += workload.timed;
    }
    CHECK(dtypes.contains(DType::f16));
    CHECK(timed >= 3);
    for (const Case& each : task->cases) {
      if (!each.workload->hidden || each.workload->rows > 1000) continue;
      CAPTURE(each.workload->name);
      const CallLayout layout = task->generator->layout(*each.workload);
      const CallContents contents = task->generator->fill(*each.workload, layout, each.family, key_of(7));
      const std::vector<ExpectedOutput> expected = task->reference->compute(view_of(layout, contents));
      std::size_t outputs = 0;
      for (const Argument& argument : layout.arguments)
        outputs += argument.kind == Argument::Kind::tensor && argument.tensor.access != Access::input;
      CHECK(expected.size() == outputs);
    }
  }
}

TEST_CASE("embedding copies rows, NaN and all") {
  CallBuilder call;
  call.tensor("out", Access::output, DType::f32, {3, 2});
  call.tensor("ids", Access::input, DType::i64, {3}, {2, 0, 2});
  call.tensor("table", Access::input, DType::f32, {3, 2}, {1, -0.0, 3, 4, NAN, kInf});
  const auto expected = reference_for("embedding")->compute(call.view());
  REQUIRE(expected.size() == 1);
  CHECK(expected[0].exact);
  std::vector<float> rows(6);
  std::memcpy(rows.data(), expected[0].bytes.data(), 24);
  CHECK(std::isnan(rows[0]));
  CHECK(rows[1] == kInf);
  CHECK(rows[2] == 1);
  CHECK(std::signbit(rows[3]));
}

TEST_CASE("moe_sum adds experts, and its magnitude forgives cancellation alone") {
  CallBuilder call;
  call.tensor("input", Access::input, DType::f32, {1, 3, 2}, {1, 10, 2, -10, 4, 0.5});
  call.tensor("out", Access::output, DType::f32, {1, 2});
  const auto expected = reference_for("moe_sum")->compute(call.view());
  CHECK(expected[0].value == std::vector<double>{7, 0.5});
  CHECK(expected[0].magnitude == std::vector<double>{7, 20.5});
}

TEST_CASE("merge_attn_states weighs by exp(lse); an empty side weighs nothing, two give the prefix") {
  CallBuilder call;
  call.tensor("out", Access::output, DType::f32, {3, 1, 1});
  call.tensor("out_lse", Access::output, DType::f32, {1, 3});
  call.tensor("prefix", Access::input, DType::f32, {3, 1, 1}, {1, 5, 7});
  call.tensor("prefix_lse", Access::input, DType::f32, {1, 3}, {0, kInf, -kInf});
  call.tensor("suffix", Access::input, DType::f32, {3, 1, 1}, {3, 6, 8});
  call.tensor("suffix_lse", Access::input, DType::f32, {1, 3}, {1, 2, kInf});
  const auto expected = reference_for("merge_attn_states")->compute(call.view());
  REQUIRE(expected.size() == 2);
  const double e = std::exp(1.0);
  CHECK(expected[0].value[0] == doctest::Approx((1 + 3 * e) / (1 + e)));
  CHECK(expected[0].value[1] == 6);
  CHECK(expected[0].value[2] == 7);
  CHECK(expected[1].value[0] == doctest::Approx(std::log(1 + e)));
  CHECK(expected[1].value[1] == 2);
  CHECK(expected[1].value[2] == -kInf);
}

TEST_CASE("reshape_and_cache puts rows into their slots and leaves the rest") {
  CallBuilder call;
  call.tensor("key", Access::input, DType::f32, {3, 1, 1}, {1, 2, 3});
  call.tensor("value", Access::input, DType::f32, {3, 1, 1}, {-1, -2, -3});
  call.tensor("key_cache", Access::inout, DType::f32, {2, 2, 1, 1}, {10, 11, 12, 13});
  call.tensor("value_cache", Access::inout, DType::f32, {2, 2, 1, 1}, {20, 21, 22, 23});
  call.tensor("slot_mapping", Access::input, DType::i64, {2}, {3, -1});
  const auto expected = reference_for("reshape_and_cache")->compute(call.view());
  REQUIRE(expected.size() == 2);
  std::vector<float> keys(4), values(4);
  std::memcpy(keys.data(), expected[0].bytes.data(), 16);
  std::memcpy(values.data(), expected[1].bytes.data(), 16);
  CHECK(keys == std::vector<float>{10, 11, 12, 1});
  CHECK(values == std::vector<float>{20, 21, 22, -1});
}

TEST_CASE("a scale may be 2 ulp off and a code that of a scale 2^-22 off, and no more") {
  const auto with = [](const std::vector<double>& codes, float scale) {
    std::vector<double> x(64, 0.5);
    x[0] = -3;
    x[1] = 0.1;
    std::vector<double> q(64, 72);  // 0.5 / scale is 74.67
    for (std::size_t i = 0; i < codes.size(); ++i) q[i] = codes[i];
    CallBuilder call;
    call.tensor("input", Access::input, DType::f32, {1, 64}, x);
    call.tensor("out_q", Access::output, DType::f8e4m3, {1, 64}, q);
    call.tensor("out_scale", Access::output, DType::f32, {1, 1}, {scale});
    call.integer("group_size", 64).real("epsilon", 1e-10);
    return reference_for("per_token_group_quant_fp8")->check_custom(call.view(), call.view());
  };
  const float scale = 3.0f / 448, ulp = std::nextafter(scale, 1.0f) - scale;
  CHECK(with({-448, 15}, scale) == std::nullopt);
  CHECK(with({-448, 15}, scale + 2 * ulp) == std::nullopt);
  CHECK(with({-448, 15}, scale + 3 * ulp) != std::nullopt);
  CHECK(with({-448, 14}, scale) != std::nullopt);  // 0.1 / scale is 14.93: 15, not 14
  CHECK(with({-416, 15}, scale) != std::nullopt);  // the largest one is saturated at most
  CHECK(with({448, 15}, scale) != std::nullopt);
  CHECK(with({-448, 15}, -scale) != std::nullopt);
  CHECK(with({-448, 15}, NAN) != std::nullopt);
}

TEST_CASE("moe_align_block_size: groups are sets, and nothing else is free") {
  const auto with = [](const std::vector<double>& sorted, const std::vector<double>& experts) {
    CallBuilder call;
    call.tensor("topk_ids", Access::input, DType::i32, {2, 2}, {2, 0, 2, 2});
    call.integer("num_experts", 3).integer("block_size", 2);
    call.tensor("sorted_ids", Access::output, DType::i32, {8}, sorted);
    call.tensor("expert_ids", Access::output, DType::i32, {4}, experts);
    call.tensor("num_tokens_post_pad", Access::output, DType::i32, {1}, {6});
    const auto reference = reference_for("moe_align_block_size");
    std::int32_t total = 0;
    std::memcpy(&total, reference->compute(call.view())[2].bytes.data(), sizeof total);
    CHECK(total == 6);
    return reference->check_custom(call.view(), call.view());
  };
  CHECK(with({1, 4, 0, 2, 3, 4, 77, -5}, {0, 2, 2, 99}) == std::nullopt);
  CHECK(with({1, 4, 3, 0, 2, 4, 0, 0}, {0, 2, 2, 0}) == std::nullopt);
  CHECK(with({1, 4, 0, 2, 2, 4, 0, 0}, {0, 2, 2, 0}) != std::nullopt);  // one entry twice
  CHECK(with({1, 4, 0, 2, 4, 4, 0, 0}, {0, 2, 2, 0}) != std::nullopt);  // one entry missing
  CHECK(with({0, 4, 1, 2, 3, 4, 0, 0}, {0, 2, 2, 0}) != std::nullopt);  // in the wrong group
  CHECK(with({1, 4, 0, 2, 3, 5, 0, 0}, {0, 2, 2, 0}) != std::nullopt);  // padded with something else
  CHECK(with({1, 4, 0, 2, 3, 4, 0, 0}, {0, 2, 1, 0}) != std::nullopt);  // a block's owner
}

TEST_CASE("slots are distinct in every family, and some are skipped where the family says so") {
  const auto task = find_task("reshape_and_cache", cuda_directories(), "cuda");
  for (const Case& each : task->cases) {
    const CallLayout layout = task->generator->layout(*each.workload);
    const CallContents contents = task->generator->fill(*each.workload, layout, each.family, key_of(3));
    const auto slots = read_integers(view_of(layout, contents), layout.index_of("slot_mapping"));
    const std::int64_t limit = each.workload->axis("B") * each.workload->axis("page");
    std::set<std::int64_t> seen;
    std::size_t skipped = 0;
    for (const std::int64_t slot : slots) {
      skipped += slot < 0;
      if (slot < 0) continue;
      CHECK(slot < limit);
      CHECK(seen.insert(slot).second);
    }
    if (each.family == "ragged" && slots.size() > 40) CHECK(skipped > 0);
    if (each.family == "uniform") CHECK(skipped == 0);
  }
}

}  // namespace
}  // namespace crucible
