#include <algorithm>
#include <cmath>
#include <limits>

#include "reward/novelty/dataflow.h"
#include "reward/novelty/hashing.h"

/// How addresses move with the loops around them: a small affine analysis.
namespace crucible::novelty {
namespace {

constexpr double kSymbolic = std::numeric_limits<double>::quiet_NaN();
constexpr double kIndirect = std::numeric_limits<double>::infinity();
constexpr double kNear = 256;  ///< bytes: a step within a few cache lines

const std::uint64_t kAdd = hash_text("add"), kSub = hash_text("sub"), kMul = hash_text("mul"), kShl = hash_text("shl");

void merge(Dataflow::Strides& into, const Dataflow::Strides& from, double factor) {
  for (const auto& [loop, bytes] : from) {
    const double scaled = std::isinf(bytes) ? bytes : bytes * factor;
    const auto at = std::find_if(into.begin(), into.end(), [&, l = loop](const auto& e) { return e.first == l; });
    if (at == into.end()) {
      if (into.size() < 12) into.emplace_back(loop, scaled);
    } else if (std::isinf(at->second) || std::isinf(scaled)) {
      at->second = kIndirect;
    } else {
      at->second += scaled;
    }
  }
}

}  // namespace

Stride Dataflow::classify(double bytes) {
  if (std::isinf(bytes)) return Stride::indirect;
  if (std::isnan(bytes)) return Stride::symbolic;
  if (bytes == 0) return Stride::none;
  return std::abs(bytes) <= kNear ? Stride::near : Stride::far;
}

const Dataflow::Strides& Dataflow::strides(NodeId id) {
  if (strides_.find(id) == strides_.end()) strides_at(id, 0);
  return strides_[id];
}

Dataflow::Strides Dataflow::strides_at(NodeId id, int depth) {
  if (const auto known = strides_.find(id); known != strides_.end()) return known->second;
  program_.spend();
  if (depth > 48) return {};
  strides_[id] = {};
  Strides out = strides_uncached(id, depth);
  return strides_[id] = out;
}

/// A counter's way from one round to the next may lead through merges (a body behind a condition, a state machine).
Dataflow::Counter Dataflow::counter_of(NodeId phi) {
  constexpr std::size_t kMostMerges = 24;
  Counter out;
  out.step = kSymbolic;
  std::vector<NodeId> merges{phi}, work = program_.nodes[phi].operands;
  const auto is_merge = [&](NodeId id) { return std::find(merges.begin(), merges.end(), id) != merges.end(); };
  const auto behind_copies = [&](NodeId id) {
    for (int hops = 0; hops < 8 && program_.nodes[id].kind == Kind::copy && !program_.nodes[id].operands.empty();
         ++hops)
      id = program_.nodes[id].operands[0];
    return id;
  };
  std::vector<NodeId> sums;
  while (!work.empty()) {
    program_.spend();
    const NodeId id = behind_copies(work.back());
    work.pop_back();
    if (is_merge(id)) continue;
    const Node& node = program_.nodes[id];
    const std::uint32_t loop = program_.blocks[node.block].loop;
    if (node.kind == Kind::phi && loop == program_.blocks[program_.nodes[phi].block].loop &&
        merges.size() < kMostMerges) {
      merges.push_back(id);
      work.insert(work.end(), node.operands.begin(), node.operands.end());
    } else if (node.kind == Kind::operation && node.operands.size() == 2 &&
               (node.label == kAdd || node.label == kSub)) {
      sums.push_back(id);
    } else {
      out.begins.push_back(id);
    }
  }
  for (NodeId id : sums) {
    const Node& node = program_.nodes[id];
    const bool left = is_merge(behind_copies(node.operands[0])), right = is_merge(behind_copies(node.operands[1]));
    if (left == right) {
      out.begins.push_back(id);
      continue;
    }
    const double* constant = constant_of(node.operands[left ? 1 : 0]);
    if (constant != nullptr) out.step = node.label == kSub ? -*constant : *constant;
  }
  return out;
}

Dataflow::Strides Dataflow::strides_uncached(NodeId id, int depth) {
  const Node node = program_.nodes[id];
  Strides out;
  switch (node.kind) {
    case Kind::constant:
    case Kind::local:
    case Kind::call:
    case Kind::store:
      return out;
    case Kind::load: {
      if (node.space == 3) return out;  // a kernel's parameter
      const auto values = stored_values(id);
      if (values.size() == 1) return strides_at(values[0], depth + 1);
      if (!values.empty() && !node.indexed) return counted_in_memory(id, values, depth);
      Strides where;
      if (node.address != kNone) where = strides_at(node.address, depth + 1);
      for (NodeId index : node.operands) merge(where, strides_at(index, depth + 1), 1);
      for (const auto& [loop, bytes] : where)
        if (bytes != 0) out.emplace_back(loop, kIndirect);
      return out;
    }
    case Kind::parameter:
    case Kind::copy:
      if (!node.operands.empty()) return strides_at(node.operands[0], depth + 1);
      return out;
    case Kind::phi: {
      if (!is_loop_carried(id)) {
        for (NodeId operand : node.operands) {
          Strides one = strides_at(operand, depth + 1);
          for (const auto& entry : one)
            if (std::none_of(out.begin(), out.end(), [&](const auto& e) { return e.first == entry.first; }))
              out.push_back(entry);
        }
        return out;
      }
      const std::uint32_t loop = program_.blocks[node.block].loop;
      const Counter counter = counter_of(id);
      for (NodeId begin : counter.begins) merge(out, strides_at(begin, depth + 1), 1);
      merge(out, {{loop, counter.step}}, 1);
      return out;
    }
    case Kind::operation: {
      if (node.space != 0) return {{0xffffff00u + node.space, 1.0}};  // a thread's or a block's index
      if (node.operands.size() == 2 && (node.label == kAdd || node.label == kSub)) {
        merge(out, strides_at(node.operands[0], depth + 1), 1);
        merge(out, strides_at(node.operands[1], depth + 1), node.label == kSub ? -1 : 1);
        return out;
      }
      if (node.operands.size() == 2 && (node.label == kMul || node.label == kShl)) {
        const double* right = constant_of(node.operands[1]);
        const double* left = constant_of(node.operands[0]);
        if (node.label == kShl)
          merge(out, strides_at(node.operands[0], depth + 1),
                right == nullptr ? kSymbolic : std::ldexp(1.0, static_cast<int>(std::clamp(*right, 0.0, 62.0))));
        else if (right != nullptr)
          merge(out, strides_at(node.operands[0], depth + 1), *right);
        else if (left != nullptr)
          merge(out, strides_at(node.operands[1], depth + 1), *left);
        else
          for (NodeId operand : node.operands) merge(out, strides_at(operand, depth + 1), kSymbolic);
        return out;
      }
      for (NodeId operand : node.operands) merge(out, strides_at(operand, depth + 1), kSymbolic);
      return out;
    }
  }
  return out;
}

/// A counter that lives in memory (captured by a closure, spilled): its stores are where it begins and how it steps.
Dataflow::Strides Dataflow::counted_in_memory(NodeId load, const std::vector<NodeId>& values, int depth) {
  Strides out;
  std::uint32_t object = kNone, other_object = kNone;
  base_of_access(load, &object);
  for (NodeId value : values) {
    const Node& next = program_.nodes[value];
    NodeId step = kNone;
    if (next.kind == Kind::copy && !next.operands.empty()) value = next.operands[0];
    const Node& plain = program_.nodes[value];
    if (plain.kind == Kind::operation && plain.label == kAdd && plain.operands.size() == 2)
      for (std::size_t i = 0; i < 2; ++i) {
        NodeId from = plain.operands[i];
        for (int hops = 0; hops < 8 && program_.nodes[from].kind == Kind::copy; ++hops)
          from = program_.nodes[from].operands[0];
        if (program_.nodes[from].kind == Kind::load && base_of_access(from, &other_object) == Base::object &&
            other_object == object)
          step = plain.operands[1 - i];
      }
    const std::uint32_t loop = program_.blocks[plain.block].loop;
    if (step == kNone) {
      merge(out, strides_at(value, depth + 1), 1);
    } else if (loop != kNone) {
      const double* constant = constant_of(step);
      merge(out, {{loop, constant == nullptr ? kSymbolic : *constant}}, 1);
    }
  }
  return out;
}

Dataflow::Strides Dataflow::access_strides(NodeId access) {
  const Node& node = program_.nodes[access];
  Strides out;
  if (node.address != kNone) merge(out, strides(node.address), 1);
  const std::size_t first_index = node.kind == Kind::store ? 1 : 0;
  for (std::size_t i = first_index; i < node.operands.size(); ++i)
    merge(out, strides(node.operands[i]), node.object != kNone ? 4.0 : kIndirect);
  std::erase_if(out, [](const auto& e) { return e.second == 0; });
  return out;
}

}  // namespace crucible::novelty
