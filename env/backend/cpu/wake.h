#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>

namespace crucible {

/// How long a runner may take from its continuation to its readiness without being charged for it. In that time it can
/// see its inputs, so a candidate that owns its call loop would work there unpaid; but what an honest wake takes varies
/// from one to the next by more than a small kernel does. The baselines' own wakes on this machine, just now, say what
/// is honest: all but the slowest tenth of the last ones, within bounds. Both sides of a pair get the same.
class WakeAllowance {
 public:
  static constexpr std::chrono::nanoseconds kLeast{60'000}, kMost{300'000};
  /// For runners of our own where nothing is compared: a baseline does not work while it wakes.
  static constexpr std::chrono::nanoseconds kUncharged = std::chrono::nanoseconds::max();

  /// One wake of a trusted runner.
  void saw(std::chrono::nanoseconds wake) { last_[seen_++ % last_.size()] = wake; }

  std::chrono::nanoseconds now() const {
    const std::size_t count = std::min(seen_, last_.size());
    if (count == 0) return kLeast;
    std::array<std::chrono::nanoseconds, kKept> sorted = last_;
    const auto at = sorted.begin() + static_cast<std::ptrdiff_t>(count * 9 / 10);
    std::nth_element(sorted.begin(), at, sorted.begin() + static_cast<std::ptrdiff_t>(count));
    return std::clamp(*at, kLeast, kMost);
  }

 private:
  static constexpr std::size_t kKept = 32;
  std::array<std::chrono::nanoseconds, kKept> last_{};
  std::size_t seen_ = 0;
};

}  // namespace crucible
