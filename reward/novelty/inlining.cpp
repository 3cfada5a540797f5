#include "reward/novelty/inlining.h"

#include <algorithm>
#include <unordered_map>

namespace crucible::novelty {
namespace {

constexpr std::size_t kMostNodesAfter = 60000, kMostBlocksAfter = 12000, kMostLoopsAfter = 4000;

class Inliner {
 public:
  explicit Inliner(Program& program)
      : program_(program), calls_(program.functions.size()), state_(program.functions.size(), 0) {
    for (std::size_t i = 0; i < program.calls.size(); ++i) calls_[program.calls[i].caller].push_back(i);
  }

  void run() {
    for (std::uint32_t f = 0; f < state_.size(); ++f) visit(f);
  }

 private:
  enum : char { kNew = 0, kOpen = 1, kDone = 2 };

  /// Callees first, without recursion.
  void visit(std::uint32_t start) {
    if (state_[start] != kNew) return;
    std::vector<std::pair<std::uint32_t, std::size_t>> path{{start, 0}};
    state_[start] = kOpen;
    while (!path.empty()) {
      auto& [f, next] = path.back();
      if (next < calls_[f].size()) {
        const std::uint32_t callee = program_.calls[calls_[f][next++]].callee;
        if (state_[callee] == kNew) {
          state_[callee] = kOpen;
          path.emplace_back(callee, 0);
        }
        continue;
      }
      for (std::size_t call : calls_[f]) place(program_.calls[call]);
      state_[f] = kDone;
      path.pop_back();
    }
  }

  std::size_t size_of(std::uint32_t f) const {
    std::size_t size = 0;
    for (const auto& [from, to] : program_.functions[f].spans) size += to - from;
    return size;
  }

  void place(const Call& call) {
    const Function& callee = program_.functions[call.callee];
    const bool fits = state_[call.callee] == kDone && program_.nodes.size() + size_of(call.callee) <= kMostNodesAfter &&
                      program_.blocks.size() + callee.blocks.size() <= kMostBlocksAfter &&
                      program_.loops.size() <= kMostLoopsAfter;
    if (fits)
      copy(call);
    else
      join(call);
  }

  void join(const Call& call) {
    program_.functions[call.caller].callees.push_back(call.callee);
    const Function& callee = program_.functions[call.callee];
    for (std::size_t i = 0; i < std::min(call.arguments.size(), callee.parameters.size()); ++i) {
      if (callee.parameters[i] == kNone || call.arguments[i] == kNone) continue;
      Node& parameter = program_.nodes[callee.parameters[i]];
      if (parameter.operands.size() < 16) parameter.operands.push_back(call.arguments[i]);
    }
    result(call, callee.returns);
  }

  void result(const Call& call, std::vector<NodeId> returns) {
    if (call.result == kNone || returns.empty()) return;
    program_.nodes[call.result].kind = Kind::phi;
    program_.nodes[call.result].operands = std::move(returns);
  }

  void copy(const Call& call) {
    const std::uint32_t from = call.callee, to = call.caller;
    program_.spend(size_of(from) + program_.loops.size() + program_.functions[from].blocks.size());
    const std::uint32_t outer = program_.blocks[call.block].loop;
    const std::uint32_t outer_depth = outer == kNone ? 0 : program_.loops[outer].depth;

    std::unordered_map<std::uint32_t, std::uint32_t> loops, blocks, objects;
    std::unordered_map<NodeId, NodeId> nodes;
    const std::vector<std::uint32_t> old_blocks = program_.functions[from].blocks;
    for (std::uint32_t b : old_blocks) {
      blocks[b] = static_cast<std::uint32_t>(program_.blocks.size());
      Block fresh;
      fresh.function = to;
      program_.functions[to].blocks.push_back(blocks[b]);
      program_.blocks.push_back(std::move(fresh));
    }
    const std::size_t loop_count = program_.loops.size();
    for (std::uint32_t l = 0; l < loop_count; ++l) {
      if (program_.blocks[program_.loops[l].header].function != from) continue;
      loops[l] = static_cast<std::uint32_t>(program_.loops.size());
      Loop fresh = program_.loops[l];
      fresh.depth += outer_depth;
      fresh.header = blocks[fresh.header];
      program_.loops.push_back(fresh);
    }
    for (const auto& [old, fresh] : loops) {
      const std::uint32_t parent = program_.loops[old].parent;
      program_.loops[fresh].parent = parent == kNone ? outer : loops[parent];
    }
    const auto spans = program_.functions[from].spans;
    const auto begin = static_cast<NodeId>(program_.nodes.size());
    for (const auto& [first, last] : spans)
      for (NodeId id = first; id < last; ++id) {
        nodes[id] = static_cast<NodeId>(program_.nodes.size());
        const Node same = program_.nodes[id];
        program_.nodes.push_back(same);
      }
    const auto end = static_cast<NodeId>(program_.nodes.size());
    program_.functions[to].spans.emplace_back(begin, end);
    const auto mapped = [](const auto& map, std::uint32_t id) {
      const auto found = map.find(id);
      return found == map.end() ? id : found->second;
    };
    for (NodeId id = begin; id < end; ++id) {
      Node& node = program_.nodes[id];
      for (NodeId& operand : node.operands) operand = mapped(nodes, operand);
      if (node.address != kNone) node.address = mapped(nodes, node.address);
      node.block = mapped(blocks, node.block);
      if (node.object == kNone || program_.objects[node.object].owner != from) continue;
      if (objects.count(node.object) == 0) {
        objects[node.object] = static_cast<std::uint32_t>(program_.objects.size());
        Object fresh = program_.objects[node.object];
        fresh.owner = to;
        program_.objects.push_back(fresh);
      }
      node.object = objects[node.object];
    }
    for (std::uint32_t b : old_blocks) {
      Block& fresh = program_.blocks[blocks[b]];
      const Block& old = program_.blocks[b];
      fresh.loop = old.loop == kNone ? outer : mapped(loops, old.loop);
      for (std::uint32_t successor : old.successors) fresh.successors.push_back(mapped(blocks, successor));
      for (NodeId id : old.nodes) fresh.nodes.push_back(mapped(nodes, id));
    }
    const std::vector<NodeId> parameters = program_.functions[from].parameters;
    for (std::size_t i = 0; i < std::min(call.arguments.size(), parameters.size()); ++i) {
      if (parameters[i] == kNone || call.arguments[i] == kNone) continue;
      Node& parameter = program_.nodes[mapped(nodes, parameters[i])];
      parameter.kind = Kind::copy;
      parameter.operands = {call.arguments[i]};
    }
    std::vector<NodeId> returns;
    for (NodeId id : program_.functions[from].returns) returns.push_back(mapped(nodes, id));
    result(call, std::move(returns));
    const std::vector<std::uint32_t> further = program_.functions[from].callees;
    auto& callees = program_.functions[to].callees;
    callees.insert(callees.end(), further.begin(), further.end());
  }

  Program& program_;
  std::vector<std::vector<std::size_t>> calls_;
  std::vector<char> state_;
};

}  // namespace

void inline_calls(Program& program) { Inliner(program).run(); }

}  // namespace crucible::novelty
