#include "env/backend/cpu/wake.h"

#include <doctest/doctest.h>

using namespace crucible;
using namespace std::chrono_literals;

TEST_CASE("the allowance is what the slowest of ten honest wakes takes, within bounds") {
  WakeAllowance waking;
  CHECK(waking.now() == WakeAllowance::kLeast);
  for (int i = 0; i < 10; ++i) waking.saw(100us + i * 10us);
  CHECK(waking.now() == 190us);
  SUBCASE("one that was disturbed does not widen it") {
    for (int i = 0; i < 19; ++i) waking.saw(120us);
    waking.saw(5ms);
    CHECK(waking.now() <= 190us);
  }
  SUBCASE("a machine where all are slow gets the most and no more") {
    for (int i = 0; i < 40; ++i) waking.saw(5ms);
    CHECK(waking.now() == WakeAllowance::kMost);
  }
  SUBCASE("old wakes are forgotten") {
    for (int i = 0; i < 32; ++i) waking.saw(70us);
    CHECK(waking.now() == 70us);
  }
}
