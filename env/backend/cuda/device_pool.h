#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "env/backend/cuda/chain_plan.h"
#include "env/backend/cuda/judge_device.h"
#include "env/backend/cuda/task_oracle.h"
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
  CUdeviceptr fresh = 0;  ///< where this step's refreshed storages are; 0: all come from the entry
};

/// Pool entries of one workload on the device, in the judge's own memory, of which no other process gets a view.
class DevicePool {
 public:
  /// `row_arguments`: the tensors whose rows are permuted together; empty: all of two axes or more. `refreshed`: inputs
  /// whose elements are shuffled anew for every step; each must fill a storage that nothing else is in.
  DevicePool(JudgeDevice& device, const CallLayout& layout, Symmetry symmetry,
             const std::vector<const CallContents*>& entries, const std::vector<std::string>& row_arguments = {},
             const std::vector<std::string>& refreshed = {});

  const CallLayout& layout() const { return layout_; }
  std::size_t entries() const { return entries_; }
  DeviceHand draw(std::size_t entry, const std::function<std::uint64_t()>& random) const;

  /// The pieces of storage `storage` as dealt: rows in the hand's order where the storage is one row-wise tensor, else
  /// the entry's bytes as they are.
  CrucibleDealtRows dealt(std::size_t storage, const DeviceHand& hand) const;
  /// The rows of one tensor as dealt. When its storage is dealt as it is, so are its rows.
  CrucibleDealtRows dealt_rows(const RowGeometry& rows, const DeviceHand& hand) const;
  CUdeviceptr storage(std::size_t entry, std::size_t storage) const;
  /// The bytes that a step's storage is dealt from: the entry's, or its refreshed ones.
  CUdeviceptr source(const DeviceHand& hand, std::size_t storage) const;
  /// Where tensor argument `argument` is read as the hand dealt it, signs aside.
  OraclePlace place(std::size_t argument, const DeviceHand& hand) const;

  /// Bytes that the refreshed storages of one step take; 0 when there are none.
  std::uint64_t fresh_bytes() const { return fresh_bytes_; }
  /// Work that makes the refreshed storages of a hand, at hand.fresh.
  std::vector<CrucibleJob> refresh(const DeviceHand& hand, const std::function<std::uint64_t()>& random) const;

 private:
  bool moves(const RowGeometry& g) const;

  CallLayout layout_;
  Symmetry symmetry_;
  std::size_t entries_;
  std::vector<std::uint64_t> offsets_;
  std::uint64_t entry_bytes_ = 0;
  std::vector<std::optional<std::uint64_t>> fresh_offsets_;  ///< per storage: where in a step's fresh bytes
  std::vector<std::uint32_t> fresh_elements_;                ///< per storage: bytes of one element
  std::vector<bool> fresh_signs_;                            ///< per storage: elements have signs
  std::uint64_t fresh_bytes_ = 0;
  std::vector<RowGeometry> whole_;  ///< per storage: the row-wise tensor that fills it; rows 0 when there is none
  bool symmetric_ = false;          ///< rows may be permuted: every row-wise tensor fills its storage
  DeviceMemory memory_;
};

}  // namespace crucible
