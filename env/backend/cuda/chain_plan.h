#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "env/task/call.h"
#include "sandbox/launcher/chain_request.h"

namespace crucible {

/// One tensor's rows within its storage, when they are evenly spaced: what a light deal and the row oracles work on.
struct RowGeometry {
  std::size_t argument = 0;
  std::size_t storage = 0;
  std::uint64_t offset = 0;  ///< bytes, of the first row in the storage
  std::uint64_t pitch = 0;   ///< bytes
  std::uint64_t width = 0;   ///< bytes
  std::uint32_t rows = 0;
  bool whole = false;  ///< the rows are adjacent and fill the storage
};

/// The rows of tensor argument `argument`; rows 0 when they are not evenly spaced, or there is no such tensor.
RowGeometry row_geometry(const CallLayout& layout, std::size_t argument);

/// What a light deal may seal and sample of a tensor: its rows as row_geometry() has them, else (a strided or
/// transposed tensor, or one of very many rows) coarser or other pieces that are evenly spaced and adjacent inside.
/// `rows` 0 when there are none.
RowGeometry deal_geometry(const CallLayout& layout, std::size_t argument);

/// Where everything of one chain lies in a launcher's three areas, and how its deals go round.
struct ChainPlan {
  bool light = false;
  std::size_t steps = 0;
  std::vector<std::vector<std::uint64_t>> slots;  ///< [slot][storage]: offset in the live area
  std::vector<std::uint32_t> order;               ///< slot of each step
  std::vector<std::uint32_t> decoys;              ///< slots that no step uses
  std::uint64_t live_bytes = 0;
  std::uint64_t sealed_bytes = 0;
  std::uint64_t collected_bytes = 0;
  std::vector<std::size_t> dealt_storages;      ///< full: storages that are sealed whole, in the order of regions
  std::vector<std::size_t> collected_storages;  ///< full: storages that are collected whole
  std::vector<RowGeometry> dealt_rows;          ///< light: tensors with secret rows
  std::vector<RowGeometry> collected_rows;      ///< light
  std::uint64_t sealed_step = 0;                ///< bytes of one step in the sealed area
  std::uint64_t collected_step = 0;
  std::vector<std::uint64_t> sealed_region;  ///< offset of each region within a step
  std::vector<std::uint64_t> collected_region;
  std::uint32_t deal_grid = 1;
};

/// What bounds a plan.
struct ChainLimits {
  std::uint64_t full_deal_bytes = 256 << 10;  ///< inputs up to this size are dealt whole
  std::uint64_t live_bytes = 4ull << 30;
  std::size_t full_steps = 300;
  std::size_t light_steps = 400;
  double light_seconds = 4e-3;  ///< of a chain, by the estimate
};

/// Plans a chain of calls of `layout` that are expected to take about `estimate_seconds` each. `random` draws addresses
/// and order. Throws std::length_error when a call is too large for any chain.
ChainPlan plan_chain(const CallLayout& layout, double estimate_seconds, const ChainLimits& limits,
                     const std::function<std::uint64_t()>& random);

/// A new random order of the slots (light); keys are drawn anew with every call of deals_of().
void shuffle(ChainPlan& plan, const std::function<std::uint64_t()>& random);

/// The deals of a plan, offsets unplaced, with keys from `random` (which must not be guessable from its past).
std::vector<CrucibleDeal> deals_of(const CallLayout& layout, const ChainPlan& plan,
                                   const std::function<std::uint64_t()>& random);

/// Offsets of the tensors of each step, as ChainRequest wants them.
std::vector<std::uint64_t> tensors_of(const CallLayout& layout, const ChainPlan& plan);

inline constexpr std::uint64_t kChainRedZone = 4096;

}  // namespace crucible
