#include "reward/novelty/program.h"

#include <algorithm>
#include <stdexcept>
#include <unordered_map>

#include "reward/novelty/hashing.h"

namespace crucible::novelty {

void Program::refuse() { throw std::runtime_error("the compiled code is too intricate to analyse"); }

NodeId Program::add(Node node) {
  if (nodes.size() >= kMostNodes) throw std::runtime_error("the compiled code is too large to analyse");
  const auto id = static_cast<NodeId>(nodes.size());
  blocks.at(node.block).nodes.push_back(id);
  nodes.push_back(std::move(node));
  return id;
}

NodeId Program::operation(std::string_view name, Type type, bool vector, std::vector<NodeId> operands,
                          std::uint32_t block, std::int32_t line) {
  Node node;
  node.type = type;
  node.vector = vector;
  node.block = block;
  node.line = line;
  node.label = hash_text(name);
  node.associative = name == "add" || name == "mul" || name == "max" || name == "min" || name == "and" ||
                     name == "or" || name == "xor";
  node.operands = std::move(operands);
  return add(std::move(node));
}

NodeId Program::constant(double value, Type type, std::uint32_t block) {
  Node node;
  node.kind = Kind::constant;
  node.type = type;
  node.block = block;
  node.has_value = true;
  node.value = value;
  return add(std::move(node));
}

namespace {

/// Dominators by iteration over reverse postorder (Cooper, Harvey, Kennedy 2001).
class FunctionLoops {
 public:
  FunctionLoops(Program& program, const Function& function) : program_(program), function_(function) {}

  void run() {
    order();
    if (postorder_.empty()) return;
    dominate();
    collect();
  }

 private:
  void order() {
    std::vector<std::pair<std::uint32_t, std::size_t>> stack{{function_.first_block, 0}};
    number_[function_.first_block] = kNone;
    while (!stack.empty()) {
      auto& [block, next] = stack.back();
      const auto& successors = program_.blocks[block].successors;
      if (next < successors.size()) {
        const std::uint32_t to = successors[next++];
        predecessors_[to].push_back(block);
        if (number_.emplace(to, kNone).second) stack.emplace_back(to, 0);
        continue;
      }
      number_[block] = static_cast<std::uint32_t>(postorder_.size());
      postorder_.push_back(block);
      stack.pop_back();
    }
  }

  void dominate() {
    dominator_.assign(postorder_.size(), kNone);
    const auto root = static_cast<std::uint32_t>(postorder_.size() - 1);
    dominator_[root] = root;
    bool changed = true;
    for (int pass = 0; changed && pass < 64; ++pass) {
      changed = false;
      for (std::uint32_t n = root; n-- > 0;) {
        std::uint32_t best = kNone;
        for (std::uint32_t p : predecessors_[postorder_[n]]) {
          program_.spend();
          const std::uint32_t other = number_[p];
          if (dominator_[other] == kNone) continue;
          best = best == kNone ? other : meet(best, other);
        }
        if (best != dominator_[n]) {
          dominator_[n] = best;
          changed = true;
        }
      }
    }
  }

  std::uint32_t meet(std::uint32_t a, std::uint32_t b) const {
    while (a != b) {
      program_.spend();
      while (a < b) a = dominator_[a];
      while (b < a) b = dominator_[b];
    }
    return a;
  }

  bool dominates(std::uint32_t a, std::uint32_t b) const {
    for (; b < a && dominator_[b] != kNone && dominator_[b] != b; b = dominator_[b]) program_.spend();
    return a == b;
  }

  /// Headers from the outside in, so that inner loops overwrite what outer ones marked.
  void collect() {
    for (std::size_t i = postorder_.size(); i-- > 0;) {
      const std::uint32_t header = postorder_[i];
      std::vector<std::uint32_t> work;
      for (std::uint32_t p : predecessors_[header])
        if (dominates(static_cast<std::uint32_t>(i), number_[p])) work.push_back(p);
      if (work.empty()) continue;
      if (program_.loops.size() >= 4096) return;
      Loop loop;
      loop.header = header;
      loop.parent = program_.blocks[header].loop;
      if (loop.parent != kNone) loop.depth = program_.loops[loop.parent].depth + 1;
      const auto id = static_cast<std::uint32_t>(program_.loops.size());
      program_.loops.push_back(loop);
      program_.blocks[header].loop = id;
      while (!work.empty()) {
        const std::uint32_t block = work.back();
        work.pop_back();
        program_.spend();
        if (program_.blocks[block].loop == id) continue;
        program_.blocks[block].loop = id;
        for (std::uint32_t p : predecessors_[block]) work.push_back(p);
      }
    }
  }

  Program& program_;
  const Function& function_;
  std::vector<std::uint32_t> postorder_, dominator_;
  std::unordered_map<std::uint32_t, std::uint32_t> number_;
  std::unordered_map<std::uint32_t, std::vector<std::uint32_t>> predecessors_;
};

}  // namespace

void find_loops(Program& program) {
  for (const Function& function : program.functions)
    if (function.first_block != kNone) FunctionLoops(program, function).run();
}

std::vector<bool> reachable_functions(const Program& program, const std::vector<std::string>& entries) {
  std::vector<bool> seen(program.functions.size(), false);
  std::vector<std::uint32_t> work;
  for (std::uint32_t i = 0; i < program.functions.size(); ++i)
    if (std::find(entries.begin(), entries.end(), program.functions[i].name) != entries.end()) work.push_back(i);
  if (work.empty()) {
    seen.assign(seen.size(), true);
    return seen;
  }
  while (!work.empty()) {
    const std::uint32_t f = work.back();
    work.pop_back();
    if (seen[f]) continue;
    seen[f] = true;
    for (std::uint32_t callee : program.functions[f].callees) work.push_back(callee);
  }
  return seen;
}

}  // namespace crucible::novelty
