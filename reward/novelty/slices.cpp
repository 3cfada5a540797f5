#include "reward/novelty/slices.h"

#include <algorithm>
#include <stdexcept>
#include <unordered_map>

#include "reward/novelty/dataflow.h"
#include "reward/novelty/hashing.h"
#include "reward/novelty/techniques.h"

namespace crucible::novelty {
namespace {

constexpr int kRounds = 3;
constexpr std::size_t kMostFeatures = 20000;

std::uint64_t text_tag(std::string_view text) { return hash_text(text); }

void seal(FeatureSet& set) {
  std::sort(set.begin(), set.end());
  set.erase(std::unique(set.begin(), set.end()), set.end());
  if (set.size() > kMostFeatures) set.resize(kMostFeatures);
}

class Describer {
 public:
  Describer(Program& program, const std::vector<std::string>& entries)
      : program_(program), reachable_(reachable_functions(program, entries)), flow_(program, reachable_) {}

  void run(KernelFeatures& out) {
    slices(out.slices);
    chains(out.chains);
    accesses(out.accesses);
    opcodes(out.opcodes);
    seal(out.slices);
    seal(out.chains);
    seal(out.accesses);
    seal(out.opcodes);
  }

  std::vector<Technique> techniques(std::string_view compiled) { return techniques_of(program_, flow_, compiled); }

 private:
  std::uint64_t type_tag(const Node& node) const {
    return static_cast<std::uint64_t>(node.type) * 2 + (node.vector ? 1 : 0);
  }

  /// How an access moves with the innermost loop around it.
  Stride innermost(NodeId id) {
    const std::uint32_t loop = flow_.loop_of(id);
    if (loop == kNone) return Stride::none;
    for (const auto& [l, bytes] : flow_.access_strides(id))
      if (l == loop) return Dataflow::classify(bytes);
    return Stride::none;
  }

  std::uint64_t base_tag(NodeId id) {
    std::uint32_t object = kNone;
    const Base base = flow_.base_of_access(id, &object);
    if (base != Base::object) return 1;
    const Object& of = program_.objects[object];
    return of.shared ? 2 : 3;
  }

  std::uint64_t first_label(NodeId id) {
    const Node& node = program_.nodes[id];
    switch (node.kind) {
      case Kind::constant:
        return text_tag("constant");
      case Kind::parameter:
        return combine(text_tag("parameter"), type_tag(node));
      case Kind::phi:
        return combine(text_tag("carried"), type_tag(node));
      case Kind::load:
      case Kind::store: {
        std::uint64_t h =
            combine(text_tag(node.kind == Kind::load ? "load" : "store"), node.vector ? type_tag(node) : 0);
        h = combine(h, node.label);
        h = combine(h, base_tag(id));
        return combine(h, static_cast<std::uint64_t>(innermost(id)));
      }
      default:
        return combine(node.label, type_tag(node));
    }
  }

  void slices(FeatureSet& out) {
    const std::vector<NodeId>& slice = flow_.slice();
    std::unordered_map<NodeId, std::uint64_t> now;
    for (NodeId id : slice) now[id] = first_label(id);
    for (int round = 1; round <= kRounds; ++round) {
      std::unordered_map<NodeId, std::uint64_t> next;
      for (NodeId id : slice) {
        std::vector<std::uint64_t> from;
        program_.spend(1 + flow_.sources(id).size());
        for (NodeId source : flow_.sources(id))
          if (const auto at = now.find(source); at != now.end() && counts(source)) from.push_back(at->second);
        std::sort(from.begin(), from.end());
        from.erase(std::unique(from.begin(), from.end()), from.end());
        std::uint64_t h = combine(first_label(id), static_cast<std::uint64_t>(round));
        for (std::uint64_t f : from) h = combine(h, f);
        next[id] = h;
        const Kind kind = program_.nodes[id].kind;
        if (kind != Kind::constant && kind != Kind::parameter && !from.empty()) out.push_back(h);
      }
      now = std::move(next);
    }
  }

  /// Constants are tuned, and parameters are where a slice ends.
  bool counts(NodeId id) const {
    return program_.nodes[id].kind != Kind::constant && program_.nodes[id].kind != Kind::parameter;
  }

  void chains(FeatureSet& out) {
    std::unordered_map<NodeId, std::uint64_t> label;
    for (NodeId id : flow_.slice()) label[id] = first_label(id);
    for (NodeId id : flow_.slice()) {
      for (NodeId second : flow_.sources(id)) {
        program_.spend(1 + flow_.sources(second).size());
        if (!counts(second) || label.count(second) == 0) continue;
        const std::uint64_t two = combine(combine(text_tag("chain"), label[id]), label[second]);
        out.push_back(two);
        for (NodeId third : flow_.sources(second))
          if (counts(third) && label.count(third) != 0) out.push_back(combine(two, label[third]));
      }
      if (out.size() > 16 * kMostFeatures) return;
    }
  }

  /// One access: what it is, and how it moves with every loop.
  std::uint64_t access_tag(NodeId id) {
    std::vector<std::uint64_t> moves;
    for (const auto& [loop, bytes] : flow_.access_strides(id))
      moves.push_back(static_cast<std::uint64_t>(Dataflow::classify(bytes)) +
                      (loop >= 0xffffff00u ? 16u + (loop & 0xffu) * 16u : 0u));
    std::sort(moves.begin(), moves.end());
    moves.erase(std::unique(moves.begin(), moves.end()), moves.end());  // rows split over several loops are rows
    std::uint64_t h = first_label(id);
    for (std::size_t i = 0; i < std::min<std::size_t>(moves.size(), 5); ++i) h = combine(h, moves[i]);
    return h;
  }

  void accesses(FeatureSet& out) {
    std::unordered_map<std::uint32_t, std::vector<std::uint64_t>> by_loop;
    for (NodeId id : flow_.slice()) {
      const Node& node = program_.nodes[id];
      const bool reads = node.kind == Kind::load, writes = node.kind == Kind::store;
      const bool carries = node.kind == Kind::operation && flow_.is_recurrent(id) && node.type != Type::integer &&
                           node.type != Type::pointer;
      if (!reads && !writes && !carries) continue;
      const std::uint64_t tag = carries ? first_label(id) : access_tag(id);
      if (!carries) out.push_back(combine(text_tag("access"), tag));
      const std::uint32_t loop = flow_.loop_of(id);
      if (loop != kNone) by_loop[loop].push_back(tag);
    }
    std::unordered_map<std::uint32_t, std::uint64_t> signature;
    for (auto& [loop, tags] : by_loop) {
      std::sort(tags.begin(), tags.end());
      tags.erase(std::unique(tags.begin(), tags.end()), tags.end());
      std::uint64_t whole = text_tag("loop");
      for (std::uint64_t tag : tags) whole = combine(whole, tag);
      out.push_back(whole);
      signature[loop] = whole;
      for (std::size_t i = 0; i < std::min<std::size_t>(tags.size(), 12); ++i)
        for (std::size_t j = i + 1; j < std::min<std::size_t>(tags.size(), 12); ++j)
          out.push_back(combine(combine(text_tag("together"), tags[i]), tags[j]));
    }
    for (const auto& [loop, whole] : signature) {
      std::uint32_t parent = program_.loops[loop].parent;
      std::uint64_t depth = 1;
      while (parent != kNone && signature.count(parent) == 0) parent = program_.loops[parent].parent, ++depth;
      out.push_back(combine(combine(text_tag("nest"), whole), parent == kNone ? 0 : signature[parent]));
    }
  }

  void opcodes(FeatureSet& out) {
    for (std::size_t b = 0; b < program_.blocks.size(); ++b) {
      const Block& block = program_.blocks[b];
      if (!reachable_[block.function]) continue;
      std::vector<std::uint64_t> names;
      for (NodeId id : block.nodes) {
        const Node& node = program_.nodes[id];
        if (node.kind != Kind::operation && node.kind != Kind::load && node.kind != Kind::store) continue;
        if (node.kind == Kind::operation && (node.type == Type::pointer || node.type == Type::boolean)) continue;
        const std::uint64_t kind = node.kind == Kind::operation ? node.label : static_cast<std::uint64_t>(node.kind);
        names.push_back(combine(kind, type_tag(node)));
      }
      for (std::size_t i = 0; i < names.size(); ++i) {
        std::uint64_t h = text_tag("opcodes");
        for (std::size_t n = 0; n < 3 && i + n < names.size(); ++n) {
          h = combine(h, names[i + n]);
          if (n > 0) out.push_back(h);
        }
      }
    }
  }

  Program& program_;
  std::vector<bool> reachable_;
  Dataflow flow_;
};

}  // namespace

void describe_program(Program& program, const std::vector<std::string>& entries, std::string_view compiled,
                      KernelFeatures& out) {
  if (program.nodes.empty()) return;
  Describer describer(program, entries);
  describer.run(out);
  out.techniques = describer.techniques(compiled);
}

}  // namespace crucible::novelty
