#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "env/backend/cuda/oracle_jobs.h"
#include "env/task/call.h"

namespace crucible {

/// Where a tensor of one call lies in the judge's device memory.
struct OraclePlace {
  std::uint64_t base = 0;  ///< first element; 0 when there is nothing to read
  std::uint32_t rows = 0;  ///< of axis 0, when it was dealt in another order (CrucibleOracleTensor); else 0
  std::uint32_t multiplier = 1;
  std::uint32_t offset = 0;
};

/// How the calls of one workload are judged on the device when its task is not row-wise: truth recomputed in fp64 from
/// what was dealt, and η of every element. Immutable.
class TaskOracle {
 public:
  /// None for tasks without such an oracle, and for tensors of more than CRUCIBLE_ORACLE_AXES axes.
  static std::optional<TaskOracle> find(std::string_view task, const CallLayout& layout);

  /// Arguments whose contents are new in every call of a chain (their elements in another order with other signs), so
  /// that no output can be remembered; the other, larger, inputs come back.
  const std::vector<std::string>& refreshed() const { return refreshed_; }

  /// One call to judge; `before` and `after` are parallel to the layout's arguments. Of a product too large to be
  /// recomputed every job.row_step-th row is judged: draw job.row_first below it when the call is over. Throws
  /// std::invalid_argument when they are not, or when an axis was permuted that the oracle does not follow.
  CrucibleTaskJob job(const std::vector<OraclePlace>& before, const std::vector<OraclePlace>& after) const;

 private:
  CallLayout layout_;
  CrucibleTaskOperation operation_ = CRUCIBLE_GEMM;
  std::vector<std::string> refreshed_;
};

}  // namespace crucible
