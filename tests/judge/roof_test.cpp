// The roof as arithmetic: what a call must cost, what the machine can do, and what follows when they disagree.
#include "env/judge/roof.h"

#include <doctest/doctest.h>
#include <sched.h>

#include "env/judge/roof_measure.h"
#include "env/task/cost.h"
#include "tests/judge/judge_fixture.h"

namespace crucible {
namespace {

MachineRoof some_roof() {
  MachineRoof roof;
  roof.levels = {{16384, 100}, {1 << 20, 50}, {1 << 26, 10}};
  roof.f32_flops_per_ns = 80;
  roof.bf16_flops_per_ns = 160;
  return roof;
}

const Workload& workload(const Task& task, const std::string& name) {
  for (const Workload& each : task.workloads)
    if (each.name == name) return each;
  FAIL("no workload " << name);
  return task.workloads.front();
}

WorkloadTiming timing(double count, double candidate_ns, std::optional<double> roof_ns) {
  WorkloadTiming made;
  made.name = "w";
  made.count = count;
  made.candidate_ns = candidate_ns;
  made.roof_ns = roof_ns;
  return made;
}

TEST_CASE("a cost formula is a sum of products") {
  const CostName value_of = [](std::string_view name, bool summed) -> double {
    if (summed) return name == "seq_lens" ? 100 : throw std::invalid_argument("no tensor " + std::string(name));
    return name == "M" ? 3 : name == "N" ? 5 : throw std::invalid_argument("no axis " + std::string(name));
  };
  CHECK(cost_value("2*M*N", value_of) == 30);
  CHECK(cost_value(" M * N + 4 ", value_of) == 19);
  CHECK(cost_value("4*sum(seq_lens)*N", value_of) == 2000);
  CHECK(cost_value("0.5*M", value_of) == 1.5);
  CHECK_THROWS_WITH(cost_value("2*K", value_of), "no axis K");
  CHECK_THROWS_AS(cost_value("2*", value_of), std::invalid_argument);
  CHECK_THROWS_AS(cost_value("2 M", value_of), std::invalid_argument);
  CHECK_THROWS_AS(cost_value("sum(seq_lens", value_of), std::invalid_argument);
  CHECK_THROWS_AS(cost_value("", value_of), std::invalid_argument);
}

TEST_CASE("bandwidth errs upwards between two measured sizes") {
  const MachineRoof roof = some_roof();
  CHECK(bandwidth(roof, 100) == 100);
  CHECK(bandwidth(roof, 20000) == 100);
  CHECK(bandwidth(roof, 1 << 20) == 50);
  CHECK(bandwidth(roof, 1e7) == 50);
  CHECK(bandwidth(roof, 1e9) == 10);
}

TEST_CASE("the speed of light is the slower of moving and computing, and threads share both") {
  const MachineRoof roof = some_roof();
  CHECK(speed_of_light_ns(roof, {1 << 20, std::nullopt, DType::f32}, 1) == doctest::Approx((1 << 20) / 50.0));
  CHECK(speed_of_light_ns(roof, {1 << 20, 8e6, DType::f32}, 1) == doctest::Approx(1e5));
  CHECK(speed_of_light_ns(roof, {1 << 20, 8e6, DType::bf16}, 1) == doctest::Approx(5e4));
  CHECK(speed_of_light_ns(roof, {1 << 20, 8e6, DType::f32}, 2) == doctest::Approx(5e4));
  MachineRoof unknown = roof;
  unknown.bf16_flops_per_ns.reset();
  CHECK(speed_of_light_ns(unknown, {16384, 8e9, DType::bf16}, 1) == doctest::Approx(16384 / 100.0));
}

TEST_CASE("a library above the roof proves the roof wrong") {
  CHECK(standing_roof_ns(100, {}) == 100);
  CHECK(standing_roof_ns(100, {{"slow", 300}, {"near", 110}}) == 100);
  CHECK(standing_roof_ns(100, {{"slow", 300}, {"fast", 80}}) == 80);
  CHECK(standing_roof_ns(100, {{"broken", 1}, {"near", 110}}) == 100);
}

TEST_CASE("a candidate far above the roof is noticed, one near it is not") {
  CHECK_FALSE(above_roof({timing(1, 100, std::nullopt)}));
  CHECK_FALSE(above_roof({timing(1, 100, 100), timing(1, 75, 100)}));
  CHECK(above_roof({timing(1, 100, 100), timing(1, 50, 100)}).value().find("workload w") != std::string::npos);
  Speedup speedup{5, 4, 6, 8, TimingMode::reveal, false, ""};
  withhold(speedup, "too fast");
  CHECK(speedup.withheld);
  CHECK(speedup.lower == 1);
  CHECK(speedup.estimate == 5);
  Speedup slow{0.5, 0.4, 0.6, 8, TimingMode::reveal, false, ""};
  withhold(slow, "too fast");
  CHECK(slow.lower == 0.4);
}

TEST_CASE("a call's cost comes from its task: declared, or its arguments") {
  const auto gemm = test::task("gemm");
  Pool gemms(gemm, "secret");
  const Workload& product = workload(*gemm, "decode_16x512x512/bf16");
  const WorkloadCost cost = cost_of(*gemm, gemms.get(product, "normal", 1));
  CHECK(cost.flops == 2.0 * 16 * 512 * 512);
  CHECK(cost.bytes == 2.0 * (16 * 512 + 16 * 512 + 512 * 512 + 512));
  CHECK(cost.dtype == DType::bf16);

  const auto norm = test::task("fused_add_rms_norm");
  Pool norms(norm, "secret");
  const Workload& rows = norm->workloads.front();
  const WorkloadCost inout = cost_of(*norm, norms.get(rows, "normal", 1));
  const double elements = static_cast<double>(rows.rows) * static_cast<double>(rows.axis("D"));
  CHECK(inout.bytes == (4 * elements + static_cast<double>(rows.axis("D"))) * static_cast<double>(size_of(rows.dtype)));
  CHECK_FALSE(inout.flops);

  const auto attention = test::task("paged_decode_attention");
  Pool caches(attention, "secret");
  const Workload& chat = attention->workloads.front();
  const PoolCase& dealt = caches.get(chat, "normal", 2);
  const WorkloadCost reached = cost_of(*attention, dealt);
  double whole = 0;
  for (const StorageLayout& storage : dealt.layout.storages) whole += static_cast<double>(storage.bytes);
  CHECK(reached.bytes > 0);
  CHECK(reached.bytes < whole);  // only what the sequences reach is read
  CHECK(reached.flops.value() > 0);
}

TEST_CASE("a roof survives being written down, and damage is told") {
  const MachineRoof roof = some_roof();
  const MachineRoof read = roof_from_json(to_json(roof));
  REQUIRE(read.levels.size() == 3);
  CHECK(read.levels[1].bytes == roof.levels[1].bytes);
  CHECK(read.levels[1].bytes_per_ns == roof.levels[1].bytes_per_ns);
  CHECK(read.f32_flops_per_ns == roof.f32_flops_per_ns);
  CHECK(read.bf16_flops_per_ns == roof.bf16_flops_per_ns);
  for (const char* damaged :
       {"", "{}", "[1]", R"({"levels": [], "f32_flops_per_ns": 1, "bf16_flops_per_ns": null})",
        R"({"levels": [{"bytes": 1, "bytes_per_ns": 0}], "f32_flops_per_ns": 1, "bf16_flops_per_ns": null})"})
    CHECK_THROWS_AS(roof_from_json(damaged), std::invalid_argument);
}

TEST_CASE("a measured roof is a machine's: near memory is not slower than far memory by orders") {
  Machine machine;
  cpu_set_t allowed;
  REQUIRE(::sched_getaffinity(0, sizeof allowed, &allowed) == 0);
  for (int cpu = 0; cpu < CPU_SETSIZE && machine.timed_cpus.empty(); ++cpu)
    if (CPU_ISSET(cpu, &allowed)) machine.timed_cpus = {cpu};
  const MachineRoof roof = measure_roof(machine);
  REQUIRE(roof.levels.size() >= 4);
  for (const MachineRoof::Level& level : roof.levels) {
    CHECK(level.bytes_per_ns > 0.05);
    CHECK(level.bytes_per_ns < 5000);
  }
  CHECK(roof.f32_flops_per_ns > 0.1);
  CHECK(roof.f32_flops_per_ns < 5000);
  cpu_set_t after;
  REQUIRE(::sched_getaffinity(0, sizeof after, &after) == 0);
  CHECK(CPU_EQUAL(&allowed, &after));
}

}  // namespace
}  // namespace crucible
