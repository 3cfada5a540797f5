#pragma once

#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace crucible {

struct FillSite;

using ValueRules = std::vector<std::pair<std::string, std::function<void(FillSite&)>>>;

/// Rules for the tensors of a KV pool and of rotary embedding: seq_lens, block_table, kv_cache, attention_query,
/// positions, cos_sin. The data obey production's constraints; see paging.cpp.
ValueRules paging_rules();

/// Rules for tensors that depend on one another or on a special structure: matrix, logits, opposite; see structure.cpp.
ValueRules structure_rules();

}  // namespace crucible
