#pragma once

#include <cstdint>
#include <string_view>

namespace crucible {

/// Uids for the jails of one warden, chosen so that two wardens of a host hardly ever share one.
struct UidRange {
  std::uint32_t first = 0;
  std::uint32_t count = 0;  ///< 0: none are to be had
};

/// A range inside what `uid_map` (the text of /proc/self/uid_map) lets this process use: far above every account where
/// the map is whole, near the top of the longest extent in a container. `seed` (a pid) spreads wardens. Pure.
UidRange uid_range(std::string_view uid_map, std::uint32_t seed);

}  // namespace crucible
