#pragma once

#include <memory>
#include <string>

#include "env/judge/arena.h"
#include "env/judge/deal.h"
#include "env/judge/pool.h"
#include "env/judge/verify.h"
#include "env/task/task.h"

namespace crucible::test {

inline std::shared_ptr<const Task> task(const std::string& name) {
  return find_task(name, {std::string(CRUCIBLE_CONFIG_DIR) + "/tasks"});
}

/// A pool case with bars as if a baseline had been perfect.
inline PoolCase& ready_case(Pool& pool, const Case& which, std::size_t entries = 2) {
  PoolCase& pool_case = pool.get(*which.workload, which.family, entries);
  Pool::accept(pool_case, std::vector<Tolerance>(pool_case.entries[0].expected.size()));
  return pool_case;
}

/// Writes the reference, rounded, into the outputs of a dealt slot: what a perfect kernel would do.
void write_truth(const PoolCase& pool_case, const Hand& hand, const Slot& slot, std::byte* arena);

}  // namespace crucible::test
