#include "env/backend/cuda/chain_plan.h"

#include <algorithm>
#include <numeric>
#include <stdexcept>

namespace crucible {
namespace {

constexpr std::uint64_t kAlignment = 512;
constexpr std::uint64_t kJitter = 16;  // steps of kAlignment that may lie before a storage
constexpr std::size_t kDecoys = 3;
constexpr std::uint64_t kNoTensor = ~std::uint64_t{0};

std::uint64_t round_up(std::uint64_t value, std::uint64_t to) { return (value + to - 1) / to * to; }

bool is_floating(DType dtype) { return dtype != DType::i32 && dtype != DType::i64; }

struct StorageUse {
  bool read = false;
  bool written = false;
};

std::vector<StorageUse> uses_of(const CallLayout& layout) {
  std::vector<StorageUse> uses(layout.storages.size());
  for (const Argument& a : layout.arguments) {
    if (a.kind != Argument::Kind::tensor) continue;
    StorageUse& use = uses[a.tensor.storage];
    if (a.tensor.access != Access::output) use.read = true;
    if (a.tensor.access != Access::input) use.written = true;
  }
  return uses;
}

std::uint64_t slot_bytes(const CallLayout& layout) {
  std::uint64_t bytes = kChainRedZone;
  for (const StorageLayout& s : layout.storages)
    bytes += round_up(s.bytes, kAlignment) + kJitter * kAlignment + kChainRedZone;
  return round_up(bytes, kAlignment);
}

}  // namespace

RowGeometry row_geometry(const CallLayout& layout, std::size_t argument) {
  RowGeometry g;
  const Argument& a = layout.arguments[argument];
  if (a.kind != Argument::Kind::tensor || a.tensor.element_count() == 0) return g;
  const TensorLayout& t = a.tensor;
  const std::size_t rank = t.shape.size();
  const auto size = static_cast<std::int64_t>(size_of(t.dtype));
  if (rank == 0 || (t.strides[rank - 1] != 1 && t.shape[rank - 1] != 1)) return g;
  std::int64_t rows = 1, pitch = t.shape[rank - 1];
  for (std::size_t i = rank - 1; i-- > 0;) {
    if (t.shape[i] == 1) continue;
    if (rows == 1)
      pitch = t.strides[i];
    else if (t.strides[i] != pitch * rows)
      return g;
    rows *= t.shape[i];
  }
  g.argument = argument;
  g.storage = t.storage;
  g.offset = t.byte_offset;
  g.pitch = static_cast<std::uint64_t>(pitch * size);
  g.width = static_cast<std::uint64_t>(t.shape[rank - 1] * size);
  g.rows = static_cast<std::uint32_t>(rows);
  g.whole = g.offset == 0 && g.pitch == g.width && g.width * g.rows == layout.storages[t.storage].bytes;
  return g;
}

RowGeometry deal_geometry(const CallLayout& layout, std::size_t argument) {
  constexpr std::int64_t kManyRows = 16384;
  RowGeometry g = row_geometry(layout, argument);
  if (g.rows != 0 && g.rows <= kManyRows) return g;
  const Argument& a = layout.arguments[argument];
  g = {};
  if (a.kind != Argument::Kind::tensor || a.tensor.element_count() == 0) return g;
  // The axes as they lie in memory, outermost first; what is adjacent becomes one.
  struct Axis {
    std::int64_t count, step;
  };
  std::vector<Axis> axes;
  for (std::size_t i = 0; i < a.tensor.shape.size(); ++i)
    if (a.tensor.shape[i] != 1) axes.push_back({a.tensor.shape[i], a.tensor.strides[i]});
  std::stable_sort(axes.begin(), axes.end(), [](const Axis& x, const Axis& y) { return x.step > y.step; });
  std::int64_t width = 1;
  while (!axes.empty() && axes.back().step == width) {
    const bool enough = width * static_cast<std::int64_t>(size_of(a.tensor.dtype)) >= 16;
    std::int64_t outer = 1;
    for (const Axis& axis : axes) outer *= axis.count;
    if (enough && axes.size() == 1 && outer <= kManyRows) break;
    width *= axes.back().count;
    axes.pop_back();
  }
  if (axes.size() > 1) return g;
  const auto size = static_cast<std::int64_t>(size_of(a.tensor.dtype));
  g.argument = argument;
  g.storage = a.tensor.storage;
  g.offset = a.tensor.byte_offset;
  g.width = static_cast<std::uint64_t>(width * size);
  g.rows = static_cast<std::uint32_t>(axes.empty() ? 1 : axes[0].count);
  g.pitch = axes.empty() ? g.width : static_cast<std::uint64_t>(axes[0].step * size);
  return g;
}

ChainPlan plan_chain(const CallLayout& layout, double estimate_seconds, const ChainLimits& limits,
                     const std::function<std::uint64_t()>& random) {
  ChainPlan plan;
  const std::vector<StorageUse> uses = uses_of(layout);
  std::uint64_t input_bytes = 0, output_bytes = 0;
  for (std::size_t s = 0; s < uses.size(); ++s) {
    if (uses[s].read) input_bytes += layout.storages[s].bytes;
    if (uses[s].written) output_bytes += layout.storages[s].bytes;
  }
  plan.light = input_bytes > limits.full_deal_bytes || output_bytes > 2 * limits.full_deal_bytes;

  if (plan.light) {
    for (std::size_t a = 0; a < layout.arguments.size(); ++a) {
      const RowGeometry g = deal_geometry(layout, a);
      // 16-byte pieces need rows that hold and align them.
      if (g.rows == 0 || g.width < 16 || g.pitch % 16 != 0 || g.offset % 16 != 0) continue;
      const TensorLayout& t = layout.arguments[a].tensor;
      if (t.access != Access::output && is_floating(t.dtype) && plan.dealt_rows.size() < CRUCIBLE_MAX_DEALT_INPUTS)
        plan.dealt_rows.push_back(g);
      if (t.access != Access::input && plan.collected_rows.size() < CRUCIBLE_MAX_DEALT_OUTPUTS)
        plan.collected_rows.push_back(g);
    }
    if (plan.dealt_rows.empty() || plan.collected_rows.empty())
      throw std::length_error("no tensor of this workload has rows that a light deal can seal");
    for (const RowGeometry& g : plan.dealt_rows) {
      plan.sealed_region.push_back(plan.sealed_step);
      plan.sealed_step += round_up(std::uint64_t{16} * g.rows, 256);
      plan.deal_grid = std::max(plan.deal_grid, (g.rows + 255) / 256);
    }
    for (const RowGeometry& g : plan.collected_rows) {
      plan.collected_region.push_back(plan.collected_step);
      plan.collected_step += round_up(std::uint64_t{16} * g.rows, 256);
      plan.deal_grid = std::max(plan.deal_grid, (g.rows + 255) / 256);
    }
  } else {
    for (std::size_t s = 0; s < uses.size(); ++s) {
      const std::uint64_t bytes = layout.storages[s].bytes;
      if (bytes == 0) continue;
      if (uses[s].read) {
        plan.dealt_storages.push_back(s);
        plan.sealed_region.push_back(plan.sealed_step);
        plan.sealed_step += round_up(bytes, 256);
      }
      if (uses[s].written) {
        plan.collected_storages.push_back(s);
        plan.collected_region.push_back(plan.collected_step);
        plan.collected_step += round_up(bytes, 256);
      }
    }
    if (plan.dealt_storages.size() > CRUCIBLE_MAX_DEALT_INPUTS ||
        plan.collected_storages.size() > CRUCIBLE_MAX_DEALT_OUTPUTS)
      throw std::length_error("a call with more storages than a deal has regions");
    const std::uint64_t work = std::max(plan.sealed_step, plan.collected_step) / 16;
    plan.deal_grid = static_cast<std::uint32_t>(std::clamp<std::uint64_t>((work + 511) / 512, 1, 528));
  }

  const std::uint64_t per_slot = slot_bytes(layout);
  const std::uint64_t fit = limits.live_bytes / per_slot;
  std::size_t slots = 1;
  if (plan.light) {
    if (fit < 3 + kDecoys) throw std::length_error("a call too large for a chain");
    const auto by_time = static_cast<std::size_t>(limits.light_seconds / std::max(estimate_seconds, 1e-7));
    plan.steps = std::clamp<std::size_t>(by_time, 6, limits.light_steps);
    plan.steps = std::min<std::size_t>(plan.steps, fit - kDecoys);
    slots = plan.steps;
  } else {
    plan.steps = limits.full_steps;
  }
  std::uint64_t at = kAlignment * (random() % 64);
  for (std::size_t i = 0; i < slots + kDecoys; ++i) {
    std::vector<std::uint64_t> places;
    at += kChainRedZone;
    for (const StorageLayout& s : layout.storages) {
      at += kAlignment * (random() % kJitter);
      places.push_back(at);
      at += round_up(s.bytes, kAlignment) + kChainRedZone;
    }
    plan.slots.push_back(std::move(places));
  }
  plan.live_bytes = at + kChainRedZone;
  plan.sealed_bytes = std::max<std::uint64_t>(plan.sealed_step * plan.steps, 256);
  plan.collected_bytes = std::max<std::uint64_t>(plan.collected_step * plan.steps, 256);
  plan.order.resize(plan.steps);
  shuffle(plan, random);
  return plan;
}

void shuffle(ChainPlan& plan, const std::function<std::uint64_t()>& random) {
  std::vector<std::uint32_t> slots(plan.slots.size());
  std::iota(slots.begin(), slots.end(), 0u);
  for (std::size_t i = slots.size(); i > 1; --i) std::swap(slots[i - 1], slots[random() % i]);
  if (plan.light)
    std::copy_n(slots.begin(), plan.steps, plan.order.begin());
  else
    std::fill(plan.order.begin(), plan.order.end(), slots[0]);
  plan.decoys.assign(slots.begin() + static_cast<std::ptrdiff_t>(plan.light ? plan.steps : 1), slots.end());
}

std::vector<CrucibleDeal> deals_of(const CallLayout& layout, const ChainPlan& plan,
                                   const std::function<std::uint64_t()>& random) {
  std::vector<CrucibleDeal> deals(plan.steps + 1);
  const std::vector<StorageUse> uses = uses_of(layout);
  for (std::size_t i = 0; i <= plan.steps; ++i) {
    CrucibleDeal& deal = deals[i];
    deal = {};
    deal.key = random();
    deal.poison = random() | 0x7f807f807f807f80ull;  // a NaN pattern in every floating-point type of 2 and 4 bytes
    if (i > 0) deal.previous_key = deals[i - 1].key;
    if (i < plan.steps) {
      const std::vector<std::uint64_t>& slot = plan.slots[plan.order[i]];
      const std::uint64_t sealed = plan.sealed_step * i;
      if (plan.light)
        for (const RowGeometry& g : plan.dealt_rows) {
          CrucibleDealt& in = deal.input[deal.inputs];
          in = {slot[g.storage] + g.offset, sealed + plan.sealed_region[deal.inputs], g.pitch, g.width, g.rows, 0};
          ++deal.inputs;
        }
      else
        for (const std::size_t s : plan.dealt_storages) {
          deal.input[deal.inputs] = {slot[s], sealed + plan.sealed_region[deal.inputs], 0, layout.storages[s].bytes, 1,
                                     0};
          ++deal.inputs;
        }
    }
    if (i > 0) {
      const std::vector<std::uint64_t>& slot = plan.slots[plan.order[i - 1]];
      const std::uint64_t collected = plan.collected_step * (i - 1);
      if (plan.light)
        for (const RowGeometry& g : plan.collected_rows) {
          CrucibleDealt& out = deal.output[deal.outputs];
          out = {
              slot[g.storage] + g.offset, collected + plan.collected_region[deal.outputs], g.pitch, g.width, g.rows, 0};
          ++deal.outputs;
        }
      else
        for (const std::size_t s : plan.collected_storages) {
          deal.output[deal.outputs] = {slot[s], collected + plan.collected_region[deal.outputs],
                                       0,       layout.storages[s].bytes,
                                       1,       uses[s].read ? 0u : 1u};
          ++deal.outputs;
        }
    }
  }
  return deals;
}

std::vector<std::uint64_t> tensors_of(const CallLayout& layout, const ChainPlan& plan) {
  std::vector<std::uint64_t> tensors;
  for (const std::uint32_t slot : plan.order)
    for (const Argument& a : layout.arguments) {
      const bool present = a.kind == Argument::Kind::tensor && a.tensor.element_count() != 0;
      tensors.push_back(present ? plan.slots[slot][a.tensor.storage] + a.tensor.byte_offset : kNoTensor);
    }
  return tensors;
}

}  // namespace crucible
