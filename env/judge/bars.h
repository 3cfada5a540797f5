#pragma once

#include <set>
#include <string>
#include <vector>

#include "env/judge/prepared_task.h"

namespace crucible {

/// Runs every baseline on every case, fixes each case's bar from those that are admitted, removes the cases that none
/// passes, and finds out which families a trivial program passes. Returns, per case key "workload/family", the names of
/// the baselines that pass it.
std::map<std::string, std::set<std::string>> fix_bars(Warden& warden, const Machine& machine, PreparedTask& prepared,
                                                      const std::vector<PoolCase*>& pool_cases,
                                                      const std::vector<BaselinePlugin>& plugins,
                                                      const CheckPoint& check_point);

/// "workload/family".
std::string case_key(const PoolCase& pool_case);

/// Bytes of arena that two slots of the largest of these cases need.
std::size_t case_arena_bytes(const std::vector<PoolCase*>& pool_cases);

}  // namespace crucible
