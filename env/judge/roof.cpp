#include "env/judge/roof.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "env/task/cost.h"

namespace crucible {
namespace {

double sum_of(const PoolCase& pool_case, std::string_view name) {
  const TensorLayout& tensor = pool_case.layout.arguments[pool_case.layout.index_of(name)].tensor;
  double total = 0;
  for (const PoolEntry& entry : pool_case.entries) {
    const std::byte* first = entry.contents.storages[tensor.storage].data() + tensor.byte_offset;
    for (std::int64_t i = 0; i < tensor.element_count(); ++i) {
      std::int64_t value = 0;
      if (tensor.dtype == DType::i32) {
        std::int32_t narrow = 0;
        std::memcpy(&narrow, first + i * 4, sizeof narrow);
        value = narrow;
      } else {
        std::memcpy(&value, first + i * 8, sizeof value);
      }
      total += static_cast<double>(value);
    }
  }
  return pool_case.entries.empty() ? 0 : total / static_cast<double>(pool_case.entries.size());
}

double argument_bytes(const CallLayout& layout) {
  double bytes = 0;
  for (const Argument& argument : layout.arguments) {
    if (argument.kind != Argument::Kind::tensor) continue;
    const double size =
        static_cast<double>(argument.tensor.element_count()) * static_cast<double>(size_of(argument.tensor.dtype));
    bytes += argument.tensor.access == Access::inout ? 2 * size : size;
  }
  return bytes;
}

}  // namespace

WorkloadCost cost_of(const Task& task, const PoolCase& pool_case) {
  const Workload& workload = *pool_case.workload;
  const CostName value_of = [&](std::string_view name, bool summed) -> double {
    if (summed) return sum_of(pool_case, name);
    if (name == "element") return static_cast<double>(size_of(workload.dtype));
    return static_cast<double>(workload.axis(name));
  };
  WorkloadCost cost;
  cost.dtype = workload.dtype;
  cost.bytes = task.cost_bytes.empty() ? argument_bytes(pool_case.layout) : cost_value(task.cost_bytes, value_of);
  if (!task.cost_flops.empty()) cost.flops = cost_value(task.cost_flops, value_of);
  return cost;
}

double bandwidth(const MachineRoof& roof, double bytes) {
  double found = roof.levels.front().bytes_per_ns;
  for (const MachineRoof::Level& level : roof.levels)
    if (static_cast<double>(level.bytes) <= bytes) found = level.bytes_per_ns;
  return found;
}

double speed_of_light_ns(const MachineRoof& roof, const WorkloadCost& cost, int threads) {
  const double team = std::max(threads, 1);
  double ns = cost.bytes / team / bandwidth(roof, cost.bytes / team);
  const std::optional<double> rate =
      cost.dtype == DType::bf16 ? roof.bf16_flops_per_ns : std::optional(roof.f32_flops_per_ns);
  if (cost.flops && rate && *rate > 0) ns = std::max(ns, *cost.flops / team / *rate);
  return ns;
}

double standing_roof_ns(double speed_of_light, const std::map<std::string, double>& libraries) {
  double standing = speed_of_light;
  for (const auto& [name, ns] : libraries)
    if (ns * kNoMeasurement >= speed_of_light) standing = std::min(standing, ns);
  return standing;
}

std::optional<std::string> above_roof(const std::vector<WorkloadTiming>& workloads) {
  double light = 0, taken = 0;
  for (const WorkloadTiming& workload : workloads) {
    if (!workload.roof_ns || !workload.candidate_ns) continue;
    light += workload.count * *workload.roof_ns;
    taken += workload.count * *workload.candidate_ns;
    if (*workload.candidate_ns < kAboveRoof * *workload.roof_ns)
      return "workload " + workload.name + " took " + std::to_string(*workload.candidate_ns / 1000) +
             " us where this machine needs " + std::to_string(*workload.roof_ns / 1000) + " us to touch its data once";
  }
  if (taken < kAboveRoof * light) return "all workloads together took less time than this machine needs for their data";
  return std::nullopt;
}

void withhold(Speedup& speedup, const std::string& reason) {
  speedup.withheld = true;
  speedup.withheld_reason = reason;
  speedup.lower = std::min(speedup.lower, 1.0);
}

}  // namespace crucible
