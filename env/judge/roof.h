#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "env/judge/pool.h"
#include "reward/evaluation.h"

namespace crucible {

/// What one thread of this machine does at most, as measured (roof_measure.h). Nothing here is secret, and nothing
/// depends on a task.
struct MachineRoof {
  /// The fastest stream (read, write or copy) over a working set of `bytes`.
  struct Level {
    std::size_t bytes = 0;
    double bytes_per_ns = 0;
  };
  std::vector<Level> levels;                ///< ascending in bytes; never empty
  double f32_flops_per_ns = 0;              ///< fused multiply-adds on f32, two operations each
  std::optional<double> bf16_flops_per_ns;  ///< with the processor's bf16 dot products; empty: unknown, no bound
};

/// What a call must do at least.
struct WorkloadCost {
  double bytes = 0;             ///< read and written at least once
  std::optional<double> flops;  ///< empty: not declared, no bound
  DType dtype = DType::f32;
};

/// The task's `cost`, or the bytes of all arguments (inout ones twice). Sums are means over the case's entries.
WorkloadCost cost_of(const Task& task, const PoolCase& pool_case);

/// Bytes a nanosecond of one thread for a call that touches `bytes`: those of the largest measured working set that is
/// not larger, so that the answer errs upwards.
double bandwidth(const MachineRoof& roof, double bytes);

/// The least time in which `threads` threads could do it, ns.
double speed_of_light_ns(const MachineRoof& roof, const WorkloadCost& cost, int threads);

/// A library that is faster than the speed of light proves the roof wrong: the roof as far as `libraries` (ns by name)
/// leave it standing. A time kNoMeasurement times faster is none: a busy machine made it.
inline constexpr double kNoMeasurement = 3;
double standing_roof_ns(double speed_of_light, const std::map<std::string, double>& libraries);

/// Why a candidate's times cannot be true: some workload, or the weighted sum of all, took less than kAboveRoof of its
/// speed of light. Empty where nothing is known or all is possible.
std::optional<std::string> above_roof(const std::vector<WorkloadTiming>& workloads);

/// A measured roof errs by as much as caches and clocks vary between two minutes of a virtual machine.
inline constexpr double kAboveRoof = 0.7;

/// The speed term is lost, nothing else.
void withhold(Speedup& speedup, const std::string& reason);

}  // namespace crucible
