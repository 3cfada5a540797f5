#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "env/backend/cuda/chain_plan.h"
#include "env/backend/cuda/judge_device.h"
#include "env/task/call.h"
#include "env/task/task.h"

namespace crucible {

/// Which row-wise oracle judges a task on the device, and which arguments it reads.
struct RowOracle {
  CrucibleRowOperation operation = CRUCIBLE_RMS_NORM;
  CrucibleElement element = CRUCIBLE_F32;
  std::uint32_t columns = 0;
  RowGeometry input, residual, output;  ///< residual: rows 0 where the task has none
  std::optional<std::size_t> weight, bias;
  double epsilon = 0;
};

/// The device oracle of `task` for calls of `layout`; none for other tasks, and for layouts without even rows.
std::optional<RowOracle> row_oracle(std::string_view task, const CallLayout& layout);

/// How one step's contents are dealt: which entry, in which order of rows, negated or not.
struct DeviceHand {
  std::size_t entry = 0;
  std::uint32_t multiplier = 1;
  std::uint32_t offset = 0;
  bool negate = false;
};

/// Pool entries of one workload on the device, in the judge's own memory, of which no other process gets a view.
class DevicePool {
 public:
  DevicePool(JudgeDevice& device, const CallLayout& layout, Symmetry symmetry,
             const std::vector<const CallContents*>& entries);

  const CallLayout& layout() const { return layout_; }
  std::size_t entries() const { return entries_; }
  DeviceHand draw(std::size_t entry, const std::function<std::uint64_t()>& random) const;

  /// The pieces of storage `storage` as dealt: rows in the hand's order where the storage is one row-wise tensor, else
  /// the entry's bytes as they are.
  CrucibleDealtRows dealt(std::size_t storage, const DeviceHand& hand) const;
  /// The rows of one tensor as dealt. When its storage is dealt as it is, so are its rows.
  CrucibleDealtRows dealt_rows(const RowGeometry& rows, const DeviceHand& hand) const;
  CUdeviceptr storage(std::size_t entry, std::size_t storage) const;

 private:
  bool moves(const RowGeometry& g) const;

  CallLayout layout_;
  Symmetry symmetry_;
  std::size_t entries_;
  std::vector<std::uint64_t> offsets_;
  std::uint64_t entry_bytes_ = 0;
  std::vector<RowGeometry> whole_;  ///< per storage: the row-wise tensor that fills it; rows 0 when there is none
  bool symmetric_ = false;          ///< rows may be permuted: every row-wise tensor fills its storage
  DeviceMemory memory_;
};

}  // namespace crucible
