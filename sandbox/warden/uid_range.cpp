#include "sandbox/warden/uid_range.h"

#include <algorithm>
#include <sstream>
#include <string>

namespace crucible {
namespace {

constexpr std::uint32_t kCount = 128;
constexpr std::uint64_t kFloor = 10000;           // accounts of people and services lie below
constexpr std::uint64_t kPreferred = 0x60000000;  // above what distributions and user managers hand out
constexpr std::uint64_t kPreferredEnd = 0x70000000;

struct Extent {
  std::uint64_t first = 0, outside = 0, length = 0;
};

}  // namespace

UidRange uid_range(std::string_view uid_map, std::uint32_t seed) {
  std::istringstream lines{std::string(uid_map)};
  Extent longest;
  for (Extent extent; lines >> extent.first >> extent.outside >> extent.length;)
    if (extent.length > longest.length) longest = extent;
  std::uint64_t begin = std::max(longest.first, kFloor);
  std::uint64_t end = longest.first + longest.length;
  if (begin <= kPreferred && kPreferredEnd <= end) {
    begin = kPreferred;
    end = kPreferredEnd;
  } else if (end > begin + 2 * kCount) {
    begin += (end - begin) / 2;  // the upper half
  }
  if (end < begin + kCount) return {};
  const std::uint64_t slots = (end - begin) / kCount;
  return {static_cast<std::uint32_t>(begin + seed % slots * kCount), kCount};
}

}  // namespace crucible
