#pragma once

#include <set>
#include <string>
#include <vector>

#include "env/backend/cpu/chain.h"
#include "env/judge/prepared_task.h"

namespace crucible {

/// n and the number of sets for a chain of calls that take about `call_ns` each.
ChainShape chain_shape(TimingMode mode, double call_ns);

/// Bytes of arena that a chain on `layout` needs.
std::size_t chain_arena_bytes(const CallLayout& layout, const ChainShape& shape);

/// How many pool entries a timed workload gets: enough that no chain sees one twice, within a bound on memory.
std::size_t timed_entries(const CallLayout& layout);

/// Where a runner is confined while it is timed in `mode`.
const std::vector<int>& cpus_for(const Machine& machine, TimingMode mode);

/// Finds mode, fastest baseline, its time, the null step's time and the spread between fresh runners. `admitted` are
/// the baselines that pass the workload's case. Returns false when none could be timed.
bool calibrate(Warden& warden, const Machine& machine, const PreparedTask& prepared, TimedWorkload& timed,
               const std::vector<BaselinePlugin>& admitted, Choice choice);

}  // namespace crucible
