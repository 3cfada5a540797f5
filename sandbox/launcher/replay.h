#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "sandbox/launcher/device.h"
#include "sandbox/launcher/launch_record.h"

namespace crucible {

/// Device code that we compiled, with the state that the candidate's first call left behind, ready to be launched as a
/// LaunchRecord says. Holds no candidate host code. Throws CudaError or RecordError when the record cannot be rebuilt
/// here; the process should then end.
class ReplayedKernel {
 public:
  ReplayedKernel(const DeviceContext& context, std::span<const std::byte> cubin, LaunchRecord record);
  /// Over a module that is loaded already, and keeps what its kernels left in it.
  ReplayedKernel(const DeviceContext& context, std::shared_ptr<DeviceModule> module, LaunchRecord record);

  /// Adds one call to `graph` after `before` (a kernel node): `tensors[i]` is the address of argument i's first
  /// element. Returns the nodes after which the call is complete; every node added descends from `before`.
  std::vector<CUgraphNode> add_call(CUgraph graph, CUgraphNode before, std::span<const std::uint64_t> tensors);

  const LaunchRecord& record() const { return record_; }

  /// What each kernel of the record takes of the device: registers, spilled bytes, shared memory, occupancy. One line
  /// each, no line twice.
  std::string resources() const;

 private:
  void find_functions();
  void restore_state();
  std::uint64_t resolve(const WordPatch& patch, std::span<const std::uint64_t> tensors) const;
  CUgraphNode add_node(CUgraph graph, std::size_t index, std::span<const std::uint64_t> tensors);

  const DeviceContext& context_;
  std::vector<DeviceMemory> workspaces_;  // mapped before the module is loaded, lest it take their addresses
  LaunchRecord record_;
  std::shared_ptr<DeviceModule> module_;
  std::vector<CUdeviceptr> symbols_;
  std::vector<CUfunction> functions_;
};

}  // namespace crucible
