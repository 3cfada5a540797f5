#include "env/backend/cuda/device_pool.h"

#include <algorithm>
#include <numeric>

namespace crucible {
namespace {

std::uint64_t round_up(std::uint64_t value, std::uint64_t to) { return (value + to - 1) / to * to; }

std::optional<CrucibleElement> element_of(DType dtype) {
  switch (dtype) {
    case DType::f32:
      return CRUCIBLE_F32;
    case DType::f16:
      return CRUCIBLE_F16;
    case DType::bf16:
      return CRUCIBLE_BF16;
    default:
      return std::nullopt;
  }
}

}  // namespace

std::optional<RowOracle> row_oracle(std::string_view task, const CallLayout& layout) {
  RowOracle oracle;
  const auto geometry = [&](std::string_view name) { return row_geometry(layout, layout.index_of(name)); };
  const char* output = "out";
  if (task == "rms_norm") {
    oracle.operation = CRUCIBLE_RMS_NORM;
  } else if (task == "fused_add_rms_norm") {
    oracle.operation = CRUCIBLE_FUSED_ADD_RMS_NORM;
    output = "input";
    oracle.residual = geometry("residual");
    if (oracle.residual.rows == 0) return std::nullopt;
  } else if (task == "layer_norm") {
    oracle.operation = CRUCIBLE_LAYER_NORM;
    if (layout.arguments[layout.index_of("bias")].kind == Argument::Kind::tensor) oracle.bias = layout.index_of("bias");
  } else if (task == "silu_and_mul") {
    oracle.operation = CRUCIBLE_SILU_AND_MUL;
  } else if (task == "softmax") {
    oracle.operation = CRUCIBLE_SOFTMAX;
  } else {
    return std::nullopt;
  }
  oracle.input = geometry("input");
  oracle.output = geometry(output);
  if (oracle.input.rows == 0 || oracle.output.rows != oracle.input.rows) return std::nullopt;
  if (task == "rms_norm" || task == "fused_add_rms_norm" || task == "layer_norm") {
    oracle.weight = layout.index_of("weight");
    oracle.epsilon = layout.arguments[layout.index_of("epsilon")].real;
  }
  const DType dtype = layout.arguments[oracle.input.argument].tensor.dtype;
  const auto element = element_of(dtype);
  if (!element) return std::nullopt;
  oracle.element = *element;
  oracle.columns = static_cast<std::uint32_t>(oracle.output.width / size_of(dtype));
  return oracle;
}

DevicePool::DevicePool(JudgeDevice& device, const CallLayout& layout, Symmetry symmetry,
                       const std::vector<const CallContents*>& entries, const std::vector<std::string>& row_arguments,
                       const std::vector<std::string>& refreshed)
    : layout_(layout),
      symmetry_(symmetry),
      entries_(entries.size()),
      fresh_offsets_(layout.storages.size()),
      fresh_elements_(layout.storages.size()),
      fresh_signs_(layout.storages.size()),
      whole_(layout.storages.size()) {
  for (const StorageLayout& s : layout_.storages) {
    offsets_.push_back(entry_bytes_);
    entry_bytes_ += round_up(std::max<std::uint64_t>(s.bytes, 1), 512);
  }
  symmetric_ = symmetry_ != Symmetry::none;
  std::uint32_t rows = 0;
  for (std::size_t a = 0; a < layout_.arguments.size(); ++a) {
    const Argument& argument = layout_.arguments[a];
    if (argument.kind != Argument::Kind::tensor) continue;
    const bool moves = row_arguments.empty() ? argument.tensor.shape.size() >= 2
                                             : std::find(row_arguments.begin(), row_arguments.end(), argument.name) !=
                                                   row_arguments.end();
    if (!moves) continue;
    const RowGeometry g = row_geometry(layout_, a);
    // An output is poisoned and collected as it lies; only what is dealt has to have rows of whole 16 bytes.
    const bool dealt = argument.tensor.access != Access::output;
    const bool even = argument.tensor.shape.size() >= 2 && g.rows != 0 && g.whole && (!dealt || g.width % 16 == 0) &&
                      (rows == 0 || rows == g.rows);
    if (!even) symmetric_ = false;
    rows = g.rows;
    if (even && dealt) whole_[g.storage] = g;
  }
  for (const std::string& name : refreshed) {
    const Argument& argument = layout_.arguments[layout_.index_of(name)];
    if (argument.kind != Argument::Kind::tensor || argument.tensor.element_count() == 0) continue;
    const std::size_t s = argument.tensor.storage;
    fresh_offsets_[s] = fresh_bytes_;
    fresh_elements_[s] = static_cast<std::uint32_t>(size_of(argument.tensor.dtype));
    fresh_signs_[s] = argument.tensor.dtype != DType::i32 && argument.tensor.dtype != DType::i64;
    fresh_bytes_ += round_up(layout_.storages[s].bytes, 512);
  }
  memory_ = DeviceMemory::allocate(device.context(), entry_bytes_ * entries_, false);
  for (std::size_t e = 0; e < entries_; ++e)
    for (std::size_t s = 0; s < layout_.storages.size(); ++s)
      if (!entries[e]->storages[s].empty())
        copy_to_device(storage(e, s), entries[e]->storages[s].data(), entries[e]->storages[s].size());
}

CUdeviceptr DevicePool::storage(std::size_t entry, std::size_t storage) const {
  return memory_.address() + entry_bytes_ * entry + offsets_[storage];
}

CUdeviceptr DevicePool::source(const DeviceHand& hand, std::size_t index) const {
  if (hand.fresh != 0 && fresh_offsets_[index]) return hand.fresh + *fresh_offsets_[index];
  return storage(hand.entry, index);
}

std::vector<CrucibleJob> DevicePool::refresh(const DeviceHand& hand,
                                             const std::function<std::uint64_t()>& random) const {
  std::vector<CrucibleJob> jobs;
  for (std::size_t s = 0; s < fresh_offsets_.size(); ++s) {
    if (!fresh_offsets_[s]) continue;
    CrucibleJob job = {};
    job.kind = CRUCIBLE_JOB_SHUFFLE;
    job.region = fresh_elements_[s];
    // Scattered reads of single elements cost sixteen times their bytes; signs make each of them new anyway.
    job.target_pitch = fresh_signs_[s] && layout_.storages[s].bytes % 16 == 0 ? 16 : job.region;
    const auto pieces = static_cast<std::uint32_t>(layout_.storages[s].bytes / job.target_pitch);
    job.dealt = {storage(random() % entries_, s), 0, std::uint64_t{pieces} * job.target_pitch, 1, 1, 0, 0};
    while (pieces > 1 && (job.dealt.multiplier = static_cast<std::uint32_t>(random() % pieces),
                          std::gcd(job.dealt.multiplier, pieces) != 1)) {
    }
    job.dealt.offset = pieces == 0 ? 0 : static_cast<std::uint32_t>(random() % pieces);
    job.key = fresh_signs_[s] ? random() | 1 : 0;
    job.target = hand.fresh + *fresh_offsets_[s];
    jobs.push_back(job);
  }
  return jobs;
}

OraclePlace DevicePool::place(std::size_t argument, const DeviceHand& hand) const {
  const TensorLayout& tensor = layout_.arguments[argument].tensor;
  OraclePlace place;
  place.base = source(hand, tensor.storage) + tensor.byte_offset;
  const RowGeometry& g = whole_[tensor.storage];
  if (!symmetric_ || g.rows == 0) return place;
  place.rows = g.rows;
  place.multiplier = hand.multiplier;
  place.offset = hand.offset;
  return place;
}

DeviceHand DevicePool::draw(std::size_t entry, const std::function<std::uint64_t()>& random) const {
  DeviceHand hand;
  hand.entry = entry % entries_;
  if (!symmetric_) return hand;
  std::uint32_t rows = 1;
  for (const RowGeometry& g : whole_) rows = std::max(rows, g.rows);
  if (rows > 1) {
    // r → (m·r + o) mod rows visits every row once when m and rows have no common divisor.
    do {
      hand.multiplier = static_cast<std::uint32_t>(random() % rows);
    } while (std::gcd(hand.multiplier, rows) != 1);
    hand.offset = static_cast<std::uint32_t>(random() % rows);
  }
  hand.negate = symmetry_ == Symmetry::permute_rows_and_negate && (random() & 1) != 0;
  return hand;
}

bool DevicePool::moves(const RowGeometry& g) const { return symmetric_ && whole_[g.storage].rows != 0; }

CrucibleDealtRows DevicePool::dealt(std::size_t storage_index, const DeviceHand& hand) const {
  const RowGeometry& g = whole_[storage_index];
  if (symmetric_ && g.rows != 0) return dealt_rows(g, hand);
  return {source(hand, storage_index), 0, layout_.storages[storage_index].bytes, 1, 1, 0, 0};
}

CrucibleDealtRows DevicePool::dealt_rows(const RowGeometry& g, const DeviceHand& hand) const {
  CrucibleDealtRows rows{source(hand, g.storage) + g.offset, g.pitch, g.width, g.rows, 1, 0, 0};
  if (!moves(g)) return rows;
  rows.multiplier = hand.multiplier;
  rows.offset = hand.offset;
  if (hand.negate) rows.negate = static_cast<std::uint32_t>(8 * size_of(layout_.arguments[g.argument].tensor.dtype));
  return rows;
}

}  // namespace crucible
