#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "sandbox/launcher/deal.h"
#include "sandbox/launcher/launch_record.h"

namespace crucible {

/// What stands between the deals of a chain.
enum class ChainKernel : std::uint32_t {
  none,       ///< the null chain, run by a launcher that never loaded a kernel
  candidate,  ///< the recorded launches, over our cubin
  plugin,     ///< a trusted baseline's calls, captured in place
  null,       ///< one empty kernel: the floor
};

/// A chain to build: deal₁ K₁ … dealₙ Kₙ collect. Addresses are offsets: `live` from the first area, `hidden` of inputs
/// from the second (sealed), `hidden` of outputs from the third (collected).
struct ChainRequest {
  std::uint32_t number = 0;  ///< the chain's name afterwards
  ChainKernel kernel = ChainKernel::none;
  bool light = false;
  std::uint32_t deal_grid = 1;         ///< blocks of each deal
  std::uint64_t touched_bytes = 0;     ///< of the sealed area, brought into the cache before the first deal
  std::uint32_t arguments = 0;         ///< per call
  std::vector<std::uint64_t> tensors;  ///< n × arguments: offset of each tensor's first element, ~0 when absent
  std::vector<std::uint32_t> calls;    ///< n, plugin: index into the call table
  std::vector<CrucibleDeal> deals;     ///< n + 1; the last one only collects
};

std::vector<std::byte> encode(const ChainRequest& request);
ChainRequest decode_chain_request(std::span<const std::byte> bytes);  ///< throws WireError

}  // namespace crucible
