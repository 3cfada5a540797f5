#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "sandbox/launcher/chain_request.h"
#include "sandbox/launcher/device.h"

namespace crucible {

/// Adds call number `step` to `graph` after `before` and returns the nodes after which it is complete.
using AddCall = std::function<std::vector<CUgraphNode>(CUgraph graph, CUgraphNode before, std::size_t step)>;

/// The trusted kernels of deal.cu, loaded into this process.
class DealKernels {
 public:
  DealKernels();
  CUfunction full, light, touch, null, before, after, probe, hold;

 private:
  DeviceModule module_;
};

/// deal₁ K₁ … dealₙ Kₙ collect as one instantiated graph. Every deal depends, fully, on the whole call before it, and
/// is never itself launched programmatically.
class Chain {
 public:
  /// `bases`: addresses of the live, sealed and collected areas, which `request`'s offsets count from. `sink` is 16
  /// bytes that the touch kernel may name.
  Chain(const DealKernels& kernels, const ChainRequest& request, std::array<CUdeviceptr, 3> bases, CUdeviceptr sink,
        const AddCall& add_call);
  ~Chain();
  Chain(const Chain&) = delete;
  Chain& operator=(const Chain&) = delete;

  /// New keys, columns and places for every deal; `deals` as in the request it was built from.
  void rekey(std::span<const CrucibleDeal> deals);
  void upload(CUstream stream) const;
  void launch(CUstream stream) const;
  std::size_t steps() const { return deal_nodes_.size() - 1; }

 private:
  CrucibleDeal placed(const CrucibleDeal& deal) const;
  CUDA_KERNEL_NODE_PARAMS deal_params(void** arguments) const;

  CUfunction deal_;
  unsigned grid_;
  unsigned block_;
  std::array<CUdeviceptr, 3> bases_;
  CUgraph graph_ = nullptr;
  CUgraphExec executable_ = nullptr;
  std::vector<CUgraphNode> deal_nodes_;
};

}  // namespace crucible
