#pragma once

#include <cstdint>
#include <set>
#include <unordered_map>
#include <utility>
#include <vector>

#include "reward/novelty/program.h"

namespace crucible::novelty {

/// Where a memory access goes.
enum class Base : std::uint8_t { unknown, external, object };

/// How an address moves when one loop takes a step.
enum class Stride : std::uint8_t { none, near, far, symbolic, indirect };

/// Def-use facts about one program: algebraic identities removed, memory of the program joined (a load knows the stores
/// that may feed it), and the slices that lead to the outputs. Work is bounded: every expansion has a limit.
class Dataflow {
 public:
  /// `reachable` as from reachable_functions. The program is rewritten in place (divisions become products with a
  /// reciprocal, subtractions sums with a negation, so that forms of one formula meet).
  Dataflow(Program& program, const std::vector<bool>& reachable);

  /// Nodes that outputs depend on, stores included: the backward slice, copies and merges left out.
  const std::vector<NodeId>& slice() const { return slice_; }
  /// What a node is computed from, through copies, control-flow merges, scalars kept in memory, and trees of one
  /// associative operation. Distinct, at most 64.
  const std::vector<NodeId>& sources(NodeId node);

  bool is_live(NodeId node) const;  ///< in a reachable function
  bool is_loop_carried(NodeId node) const;
  /// Whether the value feeds back into itself over a loop.
  bool is_recurrent(NodeId node) const { return node < recurrent_.size() && recurrent_[node]; }
  std::uint32_t loop_of(NodeId node) const { return program_.blocks[program_.nodes[node].block].loop; }
  Base base_of_access(NodeId access, std::uint32_t* object = nullptr);

  /// Strides of an access by loop (pseudo-loops of cuda thread and block indices included).
  using Strides = std::vector<std::pair<std::uint32_t, double>>;  ///< bytes a step; NaN symbolic, infinity indirect
  const Strides& strides(NodeId node);
  Strides access_strides(NodeId access);
  static Stride classify(double bytes);

 private:
  struct Target {
    Base base = Base::unknown;
    std::uint32_t object = kNone;
  };
  void simplify();
  void join_extremes();
  std::uint64_t plain(NodeId id) const;
  const double* constant_of(NodeId id, int depth = 0) const;
  Target target(NodeId pointer, int depth);
  void index_memory();
  std::vector<NodeId> stored_values(NodeId load);
  bool is_register_like(NodeId load, const Object& object);
  void expand(NodeId id, NodeId owner, int depth, std::vector<NodeId>& out, std::vector<NodeId>& seen);
  bool written_before(NodeId store);
  void find_slice();
  void find_recurrences();
  struct Counter {
    double step = 0;             ///< bytes or elements a round; NaN symbolic
    std::vector<NodeId> begins;  ///< where it comes from
  };
  Counter counter_of(NodeId phi);
  Strides strides_uncached(NodeId id, int depth);
  Strides counted_in_memory(NodeId load, const std::vector<NodeId>& values, int depth);
  Strides strides_at(NodeId id, int depth);

  Program& program_;
  const std::vector<bool>& reachable_;
  std::vector<NodeId> slice_;
  std::vector<bool> recurrent_;
  std::set<std::pair<std::uint64_t, std::uint64_t>> extremes_;  ///< what is compared only to take the one or the other
  std::unordered_map<NodeId, Target> targets_;
  std::unordered_map<std::uint32_t, std::vector<NodeId>> stores_;  ///< by object
  std::unordered_map<NodeId, std::vector<NodeId>> sources_;
  std::unordered_map<NodeId, Strides> strides_;
  std::set<std::pair<std::uint64_t, std::uint64_t>> written_;  ///< place and value of the stores seen so far
};

}  // namespace crucible::novelty
