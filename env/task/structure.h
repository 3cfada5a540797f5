#pragma once

#include <functional>
#include <string>
#include <vector>

namespace crucible {

struct FillSite;

struct NamedValueRule {
  std::string name;
  std::vector<std::string>
      parameters;  ///< the keys it understands; those in `tensors` must be there and name an argument
  std::vector<std::string> tensors;
  std::function<void(FillSite&)> fill;
};

using ValueRules = std::vector<NamedValueRule>;

/// Rules for the tensors of a KV pool and of rotary embedding: seq_lens, block_table, kv_cache, attention_query,
/// positions, cos_sin, slots, lse. The data obey production's constraints; see paging.cpp.
ValueRules paging_rules();

/// Rules for tensors that depend on one another or on a special structure: matrix, logits, expert_ids, opposite; see
/// structure.cpp.
ValueRules structure_rules();

}  // namespace crucible
