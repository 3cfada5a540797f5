#include <algorithm>
#include <bit>

#include "reward/novelty/dataflow.h"
#include "reward/novelty/hashing.h"

/// A maximum or minimum is one operation however it is written: as an instruction, as a choice after a comparison, or
/// as a branch around an assignment.
namespace crucible::novelty {
namespace {

const std::uint64_t kMax = hash_text("max"), kMin = hash_text("min"), kSelect = hash_text("select"),
                    kCompare = hash_text("cmp"), kExtreme = hash_text("extreme");
constexpr std::uint64_t kIsConstant = std::uint64_t{1} << 63;

bool is_real(Type type) { return type >= Type::f16 && type <= Type::f8; }

}  // namespace

/// The value behind copies and merges of one: a node, or a constant by what it is.
std::uint64_t Dataflow::plain(NodeId id) const {
  for (int hops = 0; hops < 8; ++hops) {
    const Node& node = program_.nodes[id];
    const bool passes = node.kind == Kind::copy || (node.kind == Kind::phi && node.operands.size() == 1);
    if (!passes || node.operands.empty()) break;
    id = node.operands[0];
  }
  const Node& node = program_.nodes[id];
  if (node.kind != Kind::constant || !node.has_value) return id;
  return std::bit_cast<std::uint64_t>(node.value) | kIsConstant;
}

void Dataflow::join_extremes() {
  std::set<std::pair<std::uint64_t, std::uint64_t>> compared;
  for (const Node& node : program_.nodes)
    if (node.kind == Kind::operation && node.label == kCompare && node.operands.size() == 2 &&
        is_real(program_.nodes[node.operands[0]].type))
      compared.insert(std::minmax({plain(node.operands[0]), plain(node.operands[1])}));
  for (NodeId id = 0; id < program_.nodes.size(); ++id) {
    Node& node = program_.nodes[id];
    if (node.operands.size() < 2 || !is_real(node.type)) continue;
    bool extreme = node.kind == Kind::operation && (node.label == kMax || node.label == kMin);
    const bool chooses = (node.kind == Kind::operation && node.label == kSelect) ||
                         (node.kind == Kind::phi && node.operands.size() == 2 && !is_loop_carried(id));
    if (!extreme && chooses) {
      const std::pair<std::uint64_t, std::uint64_t> pair =
          std::minmax({plain(node.operands[0]), plain(node.operands[1])});
      extreme = pair.first != pair.second && compared.count(pair) != 0;
      if (extreme) extremes_.insert(pair);
    }
    if (!extreme) continue;
    node.kind = Kind::operation;
    node.label = kExtreme;
    node.associative = true;
    node.operands.resize(2);
  }
}

}  // namespace crucible::novelty
