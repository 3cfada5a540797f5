#include "env/pool/quiet_turns.h"

#include <doctest/doctest.h>

using crucible::QuietTurns;

TEST_CASE("nothing works while a clock runs, and no clock starts beside work") {
  QuietTurns turns(true);
  REQUIRE(turns.may_work(QuietTurns::admission));
  turns.begin_work();
  turns.want_clock();
  CHECK_FALSE(turns.may_start_clock(false, false));
  CHECK_FALSE(turns.may_work(QuietTurns::recording));  // it would keep the clock waiting for ever
  turns.end_work(QuietTurns::admission);
  REQUIRE(turns.may_start_clock(true, true));
  turns.start_clock();
  CHECK_FALSE(turns.may_work(QuietTurns::admission));
  CHECK_FALSE(turns.may_work(QuietTurns::recording));
}

TEST_CASE("after a clock each kind that waited goes once before the next clock") {
  QuietTurns turns(true);
  turns.want_clock();
  turns.start_clock();
  turns.end_clock(true, true);
  turns.want_clock();
  CHECK_FALSE(turns.may_start_clock(true, true));
  REQUIRE(turns.may_work(QuietTurns::admission));
  turns.begin_work();
  turns.end_work(QuietTurns::admission);
  CHECK_FALSE(turns.may_work(QuietTurns::admission));  // it had its turn
  CHECK_FALSE(turns.may_start_clock(true, true));      // the other has not
  REQUIRE(turns.may_work(QuietTurns::recording));
  turns.begin_work();
  turns.end_work(QuietTurns::recording);
  CHECK(turns.may_start_clock(true, true));
}

TEST_CASE("work that was owed a turn and went away keeps no clock waiting") {
  QuietTurns turns(true);
  turns.want_clock();
  turns.start_clock();
  turns.end_clock(true, false);
  turns.want_clock();
  CHECK(turns.may_start_clock(false, false));  // withdrawn meanwhile
}

TEST_CASE("with cores enough everybody may always work") {
  QuietTurns turns(false);
  turns.begin_work();
  turns.want_clock();
  CHECK(turns.may_start_clock(true, true));
  turns.start_clock();
  CHECK(turns.may_work(QuietTurns::recording));
}
