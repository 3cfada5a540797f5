#include "env/judge/pool.h"

#include <doctest/doctest.h>

#include "tests/judge/judge_fixture.h"

using namespace crucible;

TEST_CASE("the pool repeats with the secret, and only with it") {
  const auto loaded = crucible::test::task("softmax");
  const Case& which = loaded->cases.front();
  Pool a(loaded, "one"), b(loaded, "one"), c(loaded, "two");
  const PoolCase& first = a.get(*which.workload, which.family, 2);
  const PoolCase& same = b.get(*which.workload, which.family, 2);
  const PoolCase& other = c.get(*which.workload, which.family, 2);
  CHECK(first.entries[0].contents.storages == same.entries[0].contents.storages);
  CHECK(first.entries[1].contents.storages == same.entries[1].contents.storages);
  CHECK(first.entries[0].contents.storages != first.entries[1].contents.storages);
  CHECK(first.entries[0].contents.storages != other.entries[0].contents.storages);
}

TEST_CASE("a case that grows keeps its bar and accepts by it") {
  const auto loaded = crucible::test::task("rms_norm");
  Pool pool(loaded, "secret");
  PoolCase& pool_case = crucible::test::ready_case(pool, loaded->cases.front());
  pool.get(*loaded->cases.front().workload, loaded->cases.front().family, 5);
  REQUIRE(pool_case.entries.size() == 5);
  for (const PoolEntry& entry : pool_case.entries) CHECK(entry.accepted.size() == entry.expected.size());
}
