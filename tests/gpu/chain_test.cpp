// Record and replay on a GPU: honest kernels are right in their chains, breaks are caught, faults cost one process.
#include <doctest/doctest.h>

#include <algorithm>

#include "tests/gpu/fixture.h"

using namespace crucible;
using namespace crucible::gpu_test;
using std::chrono::milliseconds;

namespace {

bool here() {
  std::string why;
  if (cuda_available(&why)) return true;
  MESSAGE("skipped: " << why);
  return false;
}

JudgeDevice& device() {
  static JudgeDevice one(0);
  return one;
}

struct Setting {
  CallLayout layout;
  std::vector<CallContents> contents;
  std::unique_ptr<DevicePool> pool;
  std::optional<RowOracle> oracle;
  ChainPlan plan;

  explicit Setting(std::int64_t rows, DType dtype = DType::bf16) : layout(rms_norm_layout(dtype, rows, 4096)) {
    contents = rms_norm_entries(layout, 8, 3);
    std::vector<const CallContents*> pointers;
    for (const CallContents& c : contents) pointers.push_back(&c);
    pool = std::make_unique<DevicePool>(device(), layout, Symmetry::permute_rows_and_negate, pointers);
    oracle = row_oracle("rms_norm", layout);
    ChainLimits limits;
    limits.full_steps = 40;
    limits.light_steps = 40;
    plan = plan_chain(layout, 4e-6, limits, unguessable);
  }

  std::unique_ptr<ChainSide> side() {
    return std::make_unique<ChainSide>(device(), *pool, oracle, plan, libexec() + "/crucible-launcher");
  }

  ChainSample replay(const char* fixture, double max_eta = 2.0) {
    RecordedFixture f(device(), fixture, layout, contents[0]);
    REQUIRE(f.recorded.ok());
    REQUIRE(f.record.not_replayable == "");
    auto one = side();
    REQUIRE(one->open(f.subject(), milliseconds(20000)) == "");
    ChainSample first = one->sample(max_eta, true);
    return first.ok() ? one->sample(max_eta, true) : first;
  }
};

}  // namespace

TEST_CASE("honest kernels are right in their chains") {
  if (!here()) return;
  for (const std::int64_t rows : {16, 512}) {
    Setting setting(rows);
    for (const char* fixture : {"honest", "programmatic", "two_kernels", "workspace_fork", "cluster"}) {
      CAPTURE(rows);
      CAPTURE(fixture);
      const ChainSample sample = setting.replay(fixture);
      CHECK(sample.failure == "");
      CHECK(sample.wrong == "");
      CHECK(sample.tampered == "");
      CHECK(sample.largest_eta <= 1.0);
    }
  }
}

TEST_CASE("known breaks are caught") {
  if (!here()) return;
  for (const std::int64_t rows : {16, 512}) {
    Setting setting(rows);
    for (const char* fixture : {"missing_wait", "two_at_once", "stray_write", "side_stream", "capture_nothing"}) {
      CAPTURE(rows);
      CAPTURE(fixture);
      CHECK(!setting.replay(fixture).ok());
    }
  }
}

TEST_CASE("every element type is judged in its own unit") {
  if (!here()) return;
  for (const DType dtype : {DType::f32, DType::f16, DType::bf16}) {
    Setting setting(16, dtype);
    CAPTURE(to_string(dtype));
    // One running fp32 sum a thread is a little less exact than blocked sums: f32 needs the bar that such a baseline
    // sets.
    const ChainSample sample = setting.replay("honest", dtype == DType::f32 ? 4.0 : 2.0);
    CHECK(sample.ok());
    CHECK(sample.largest_eta > 0.05);
    CHECK(sample.largest_eta < 4);
  }
}

TEST_CASE("the oracle rejects outputs that were never written") {
  if (!here()) return;
  Setting setting(16);
  auto side = setting.side();
  REQUIRE(side->open({ChainKernel::null, {}, {}, {}, {}}, milliseconds(20000)) == "");
  CHECK(side->sample(2.0, true).wrong != "");
}

TEST_CASE("a kernel against itself costs the same, and an empty one what a launch costs") {
  if (!here()) return;
  Setting setting(16);
  RecordedFixture f(device(), "honest", setting.layout, setting.contents[0]);
  auto none = setting.side(), null = setting.side(), a = setting.side(), b = setting.side();
  REQUIRE(none->open({ChainKernel::none, {}, {}, {}, {}}, milliseconds(20000)) == "");
  REQUIRE(null->open({ChainKernel::null, {}, {}, {}, {}}, milliseconds(20000)) == "");
  REQUIRE(a->open(f.subject(), milliseconds(20000)) == "");
  REQUIRE(b->open(f.subject(), milliseconds(20000)) == "");
  const auto median_us = [&](ChainSide& side) {
    std::vector<double> us;
    for (int i = 0; i < 15; ++i) {
      const ChainSample with = side.sample(2.0, false), without = none->sample(2.0, false);
      us.push_back(static_cast<double>((with.time - without.time).count()) * 1e-3 /
                   static_cast<double>(setting.plan.steps));
    }
    std::sort(us.begin(), us.end());
    return us[us.size() / 2];
  };
  const double floor = median_us(*null), first = median_us(*a), second = median_us(*b);
  CAPTURE(floor);
  CAPTURE(first);
  CAPTURE(second);
  CHECK(floor > 0.4);
  CHECK(floor < 1.5);
  CHECK(first > floor);
  CHECK(std::abs(first - second) < 0.1 * first);
}

TEST_CASE("a fault costs one runner, and the next is well") {
  if (!here()) return;
  Setting setting(16);
  for (const char* fixture : {"endless", "illegal_address"}) {
    CAPTURE(fixture);
    {
      RecordedFixture f(device(), fixture, setting.layout, setting.contents[0]);
      CHECK(!f.eager.ok());
    }
    const auto begin = std::chrono::steady_clock::now();
    CHECK(setting.replay("honest").ok());
    CHECK(std::chrono::steady_clock::now() - begin < std::chrono::seconds(5));
  }
}
