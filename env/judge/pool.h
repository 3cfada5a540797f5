#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "env/judge/checker.h"
#include "env/judge/keys.h"
#include "env/judge/symmetry.h"
#include "env/task/task.h"

namespace crucible {

/// One input set with everything the judge knows about it. Immutable once made.
struct PoolEntry {
  CallContents contents;                 ///< bytes of no tensor hold noise; bytes of outputs are poisoned when dealt
  std::vector<ExpectedOutput> expected;  ///< one per output and inout tensor
  std::vector<AcceptedOutput> accepted;  ///< parallel to `expected`; made by accept()
};

/// All entries of one (workload, family) of a task.
struct PoolCase {
  const Workload* workload = nullptr;
  std::string family;
  CallLayout layout;
  std::size_t rows = 1;            ///< parts that the task's symmetry permutes
  std::vector<Parts> parts;        ///< per argument; without segments where the symmetry leaves it alone
  std::size_t columns = 0;         ///< of one block of the tensors whose columns move together; 0: none move
  std::vector<bool> columns_move;  ///< per argument
  std::vector<PoolEntry> entries;
  std::vector<Tolerance> tolerance;  ///< parallel to each entry's `expected`; the bar all entries share
  bool empty = false;                ///< no output has an element: right or wrong shows only in what is touched
  bool counted = true;               ///< false: a trivial program passes the family (not counted in q)
  std::shared_ptr<const Reference> reference;
};

/// Makes pool entries of one task from the run secret: every bit of an entry comes from HMAC(secret, task, workload,
/// family, entry number), never from a candidate. Not thread-safe.
class Pool {
 public:
  Pool(std::shared_ptr<const Task> task, std::string secret);

  /// The case with at least `entries` entries (made on demand). The reference stays valid while the pool lives; growing
  /// a case keeps its tolerance.
  PoolCase& get(const Workload& workload, const std::string& family, std::size_t entries);

  const Task& task() const { return *task_; }

  /// Everything about a case but its entries: layout, parts of the symmetry, oracle.
  static PoolCase outline(const Task& task, const Workload& workload, const std::string& family);

  /// Fixes the bar of a case and builds the accepted intervals of its entries.
  static void accept(PoolCase& pool_case, std::vector<Tolerance> tolerance);

 private:
  PoolEntry make(const PoolCase& pool_case, std::size_t number) const;

  std::shared_ptr<const Task> task_;
  std::string secret_;
  std::map<std::pair<std::string, std::string>, std::unique_ptr<PoolCase>> cases_;
};

}  // namespace crucible
