#include "reward/novelty/dataflow.h"

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "reward/novelty/hashing.h"

namespace crucible::novelty {
namespace {

constexpr int kDeepest = 48;
constexpr std::size_t kMostSources = 64;

bool is_real(Type type) { return type >= Type::f16 && type <= Type::f8; }

const std::uint64_t kAdd = hash_text("add"), kSub = hash_text("sub"), kMul = hash_text("mul"), kDiv = hash_text("div"),
                    kConvert = hash_text("convert"), kRsqrt = hash_text("rsqrt"), kNeg = hash_text("neg"),
                    kCompare = hash_text("cmp");

}  // namespace

Dataflow::Dataflow(Program& program, const std::vector<bool>& reachable) : program_(program), reachable_(reachable) {
  simplify();
  join_extremes();
  index_memory();
  find_recurrences();
  find_slice();
}

bool Dataflow::is_live(NodeId node) const { return reachable_[program_.blocks[program_.nodes[node].block].function]; }

bool Dataflow::is_loop_carried(NodeId id) const {
  const Node& node = program_.nodes[id];
  if (node.kind != Kind::phi || node.operands.size() < 2) return false;
  const std::uint32_t loop = program_.blocks[node.block].loop;
  return loop != kNone && program_.loops[loop].header == node.block;
}

const double* Dataflow::constant_of(NodeId id, int depth) const {
  const Node& node = program_.nodes[id];
  if (node.kind == Kind::constant && node.has_value) return &node.value;
  if ((node.kind == Kind::copy || (node.kind == Kind::phi && node.operands.size() == 1)) && !node.operands.empty() &&
      depth < 8)
    return constant_of(node.operands[0], depth + 1);
  return nullptr;
}

void Dataflow::simplify() {
  const std::size_t count = program_.nodes.size();
  for (NodeId id = 0; id < count; ++id) {
    if (program_.nodes[id].kind != Kind::operation) continue;
    const std::uint64_t label = program_.nodes[id].label;
    const std::vector<NodeId> operands = program_.nodes[id].operands;
    const auto becomes_copy = [&](NodeId of) {
      program_.nodes[id].kind = Kind::copy;
      program_.nodes[id].operands = {of};
    };
    const bool real = is_real(program_.nodes[id].type);
    if (label == kNeg && operands.size() == 1 && real) {  // signs move freely through a formula
      becomes_copy(operands[0]);
      continue;
    }
    if (label == kConvert && operands.size() == 1 && real && is_real(program_.nodes[operands[0]].type)) {
      becomes_copy(operands[0]);
      continue;
    }
    const auto prepared = [&](const char* name, NodeId of) {
      const Node node = program_.nodes[id];
      return program_.operation(name, node.type, node.vector, {of}, node.block, node.line);
    };
    if (label == kRsqrt && operands.size() == 1) {
      const NodeId root = prepared("sqrt", operands[0]);
      program_.nodes[id].label = hash_text("rcp");
      program_.nodes[id].operands = {root};
      continue;
    }
    if (operands.size() != 2) continue;
    const double* left = constant_of(operands[0]);
    const double* right = constant_of(operands[1]);
    if (label == kAdd || label == kSub) {
      if (right != nullptr && *right == 0) {
        becomes_copy(operands[0]);
      } else if (label == kAdd && left != nullptr && *left == 0) {
        becomes_copy(operands[1]);
      } else if (label == kSub && real) {
        program_.nodes[id].label = kAdd;
        program_.nodes[id].associative = true;
      }
    } else if (label == kMul) {
      // A constant factor is tuned, as tile sizes are; a zero one removes the other operand.
      if (right != nullptr && (*right == 1 || real))
        becomes_copy(operands[*right == 0 ? 1 : 0]);
      else if (left != nullptr && (*left == 1 || real))
        becomes_copy(operands[*left == 0 ? 0 : 1]);
    } else if (label == kDiv && real) {
      if (right != nullptr && *right == 1) {
        becomes_copy(operands[0]);
      } else if (left != nullptr) {
        program_.nodes[id].label = hash_text("rcp");
        program_.nodes[id].operands = {operands[1]};
      } else {
        const NodeId reciprocal = prepared("rcp", operands[1]);
        program_.nodes[id].label = kMul;
        program_.nodes[id].associative = true;
        program_.nodes[id].operands = {operands[0], reciprocal};
      }
    }
  }
}

Dataflow::Target Dataflow::target(NodeId pointer, int depth) {
  program_.spend();
  if (depth > kDeepest) return {};
  if (const auto known = targets_.find(pointer); known != targets_.end()) return known->second;
  targets_[pointer] = {};  // a cycle finds nothing new
  const Node& node = program_.nodes[pointer];
  Target out;
  switch (node.kind) {
    case Kind::local:
      out = {Base::object, node.object};
      break;
    case Kind::constant:
      break;
    case Kind::call:
      out = {Base::external, kNone};
      break;
    case Kind::store:
      break;
    case Kind::load: {
      for (NodeId value : stored_values(pointer)) {
        out = target(value, depth + 1);
        if (out.base != Base::unknown) break;
      }
      if (out.base == Base::unknown) out = {Base::external, kNone};
      break;
    }
    case Kind::parameter:
      if (node.operands.empty()) {
        out = {Base::external, kNone};
        break;
      }
      [[fallthrough]];
    case Kind::phi:
    case Kind::copy:
    case Kind::operation: {
      const std::vector<NodeId> operands = node.operands;
      const bool pointers = std::any_of(operands.begin(), operands.end(),
                                        [&](NodeId id) { return program_.nodes[id].type == Type::pointer; });
      for (NodeId id : operands) {
        if (pointers && program_.nodes[id].type != Type::pointer) continue;
        const Target one = target(id, depth + 1);
        if (one.base == Base::object || (one.base == Base::external && out.base == Base::unknown)) out = one;
        if (out.base == Base::object) break;
      }
      break;
    }
  }
  targets_[pointer] = out;
  return out;
}

Base Dataflow::base_of_access(NodeId access, std::uint32_t* object) {
  const Node& node = program_.nodes[access];
  Target out;
  if (node.object != kNone)
    out = {Base::object, node.object};
  else if (node.address != kNone)
    out = target(node.address, 0);
  if (object != nullptr) *object = out.object;
  return out.base;
}

void Dataflow::index_memory() {
  for (NodeId id = 0; id < program_.nodes.size(); ++id)
    if (program_.nodes[id].kind == Kind::store && program_.nodes[id].object != kNone && is_live(id))
      stores_[program_.nodes[id].object].push_back(id);
  // Pointers are kept in memory too (closures inside closures): what one pass finds lets the next find more.
  const auto direct = stores_;
  for (int pass = 0; pass < 3; ++pass) {
    std::vector<std::pair<std::uint32_t, NodeId>> through;
    targets_.clear();
    for (NodeId id = 0; id < program_.nodes.size(); ++id) {
      const Node& node = program_.nodes[id];
      if (node.kind != Kind::store || node.address == kNone || !is_live(id)) continue;
      const Target to = target(node.address, 0);
      if (to.base == Base::object) through.emplace_back(to.object, id);
    }
    stores_ = direct;
    for (const auto& [object, id] : through) stores_[object].push_back(id);
  }
  targets_.clear();
}

/// Values that may be read by a load from one of the program's own objects; none for memory of the caller.
std::vector<NodeId> Dataflow::stored_values(NodeId load) {
  std::vector<NodeId> out;
  std::uint32_t object = kNone;
  if (base_of_access(load, &object) != Base::object) return out;
  const auto found = stores_.find(object);
  if (found == stores_.end()) return out;
  const Node& node = program_.nodes[load];
  for (NodeId id : found->second) {
    program_.spend();
    const Node& store = program_.nodes[id];
    const bool exact = !node.indexed && !store.indexed;
    if (exact && node.offset != store.offset) continue;
    if (!store.operands.empty()) out.push_back(store.operands[0]);
    if (out.size() >= 32) break;
  }
  return out;
}

/// Compilers keep such memory in registers in one form of a kernel and not in another.
bool Dataflow::is_register_like(NodeId load, const Object& object) {
  constexpr std::uint32_t kLanes = 64;
  if (object.shared || object.is_heap || object.is_static) return false;
  return object.elements <= kLanes && (object.elements > 1 || access_strides(load).empty());
}

void Dataflow::expand(NodeId id, NodeId owner, int depth, std::vector<NodeId>& out, std::vector<NodeId>& seen) {
  if (depth > kDeepest || out.size() >= kMostSources || seen.size() >= 256) return;
  program_.spend(1 + seen.size() / 16);
  if (std::find(seen.begin(), seen.end(), id) != seen.end()) return;
  seen.push_back(id);
  const Node& node = program_.nodes[id];
  const bool merges =
      node.kind == Kind::copy || node.kind == Kind::phi || (node.kind == Kind::parameter && !node.operands.empty());
  if (merges) {
    for (NodeId operand : node.operands) expand(operand, owner, depth + 1, out, seen);
    return;
  }
  if (node.kind == Kind::load) {  // a scalar, or a handful of lanes, that lives in memory
    const auto values = stored_values(id);
    std::uint32_t object = kNone;
    base_of_access(id, &object);
    if (!values.empty() && object != kNone && is_register_like(id, program_.objects[object])) {
      for (NodeId value : values) expand(value, owner, depth + 1, out, seen);
      return;
    }
  }
  const Node& of = program_.nodes[owner];
  if (of.associative && node.kind == Kind::operation && node.label == of.label && node.vector == of.vector &&
      is_recurrent(id) == is_recurrent(owner)) {
    for (NodeId operand : node.operands) expand(operand, owner, depth + 1, out, seen);
    return;
  }
  out.push_back(id);
}

const std::vector<NodeId>& Dataflow::sources(NodeId id) {
  if (const auto known = sources_.find(id); known != sources_.end()) return known->second;
  std::vector<NodeId> out, seen{id};
  const Node& node = program_.nodes[id];
  if (node.kind == Kind::load) {
    std::uint32_t object = kNone;
    base_of_access(id, &object);
    for (NodeId value : stored_values(id)) expand(value, id, 0, out, seen);
  } else if (node.kind == Kind::store) {
    if (!node.operands.empty()) expand(node.operands[0], id, 0, out, seen);
  } else {
    for (NodeId operand : node.operands) expand(operand, id, 0, out, seen);
  }
  std::sort(out.begin(), out.end());
  out.erase(std::unique(out.begin(), out.end()), out.end());
  return sources_.emplace(id, std::move(out)).first->second;
}

/// Cycles of the def-use graph (Tarjan, without recursion).
void Dataflow::find_recurrences() {
  const std::size_t count = program_.nodes.size();
  recurrent_.assign(count, false);
  std::vector<std::uint32_t> index(count, 0), low(count, 0);
  std::vector<bool> on_stack(count, false);
  std::vector<NodeId> stack;
  std::uint32_t next = 1;
  // A running value that lives in memory (captured by a closure) recurs as one in a register does.
  std::unordered_map<NodeId, std::vector<NodeId>> through_memory;
  for (NodeId id = 0; id < count; ++id) {
    if (program_.nodes[id].kind != Kind::load || !is_live(id)) continue;
    std::uint32_t object = kNone;
    if (base_of_access(id, &object) == Base::object && object != kNone &&
        is_register_like(id, program_.objects[object]))
      through_memory[id] = stored_values(id);
  }
  const auto edges = [&](NodeId id) -> const std::vector<NodeId>& {
    const auto found = through_memory.find(id);
    return found == through_memory.end() ? program_.nodes[id].operands : found->second;
  };
  for (NodeId start = 0; start < count; ++start) {
    if (index[start] != 0) continue;
    std::vector<std::pair<NodeId, std::size_t>> path{{start, 0}};
    while (!path.empty()) {
      auto& [id, at] = path.back();
      if (at == 0) {
        index[id] = low[id] = next++;
        stack.push_back(id);
        on_stack[id] = true;
      }
      const auto& operands = edges(id);
      if (at < operands.size()) {
        const NodeId to = operands[at++];
        if (index[to] == 0)
          path.emplace_back(to, 0);
        else if (on_stack[to])
          low[id] = std::min(low[id], index[to]);
        continue;
      }
      const NodeId done = id;
      if (low[done] == index[done]) {
        const bool single = stack.back() == done;
        for (NodeId member = kNone; member != done;) {
          member = stack.back();
          stack.pop_back();
          on_stack[member] = false;
          recurrent_[member] = !single;
        }
      }
      path.pop_back();
      if (!path.empty()) low[path.back().first] = std::min(low[path.back().first], low[done]);
    }
  }
}

/// Moving other stores out of a loop, compilers repeat the last of those that must stay in order.
bool Dataflow::written_before(NodeId id) {
  const Node& node = program_.nodes[id];
  if (node.address == kNone || node.operands.size() != 1) return false;
  return !written_
              .insert({plain(node.address), plain(node.operands[0]) ^ static_cast<std::uint64_t>(node.offset) << 32})
              .second;
}

void Dataflow::find_slice() {
  std::vector<NodeId> work;
  std::vector<bool> seen(program_.nodes.size(), false);
  for (NodeId id = 0; id < program_.nodes.size(); ++id) {
    const Node& node = program_.nodes[id];
    if (!is_live(id)) continue;
    if (node.kind == Kind::store && base_of_access(id) != Base::object && !written_before(id)) work.push_back(id);
    // Decisions about data are part of the method (selection, sorting, masks).
    if (node.kind == Kind::operation && node.label == kCompare && node.operands.size() == 2 &&
        is_real(program_.nodes[node.operands[0]].type) &&
        extremes_.count(std::minmax({plain(node.operands[0]), plain(node.operands[1])})) == 0)
      work.push_back(id);
  }
  while (!work.empty()) {
    const NodeId id = work.back();
    work.pop_back();
    if (seen[id]) continue;
    seen[id] = true;
    slice_.push_back(id);
    for (NodeId source : sources(id))
      if (!seen[source]) work.push_back(source);
  }
  std::sort(slice_.begin(), slice_.end());
}

}  // namespace crucible::novelty
