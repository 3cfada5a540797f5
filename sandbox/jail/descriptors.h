#pragma once

#include <initializer_list>
#include <utility>
#include <vector>

namespace crucible {

/// Gives the calling process exactly these descriptors, as (source, number) pairs with numbers below 100, inherited
/// over exec. Those in `keep` survive too, close-on-exec, renumbered in place. Everything else is closed. Throws
/// std::system_error.
void keep_only(const std::vector<std::pair<int, int>>& wanted, std::initializer_list<int*> keep);

}  // namespace crucible
