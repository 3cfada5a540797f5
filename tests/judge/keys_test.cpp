#include "env/judge/keys.h"

#include <doctest/doctest.h>

#include <set>

using namespace crucible;

TEST_CASE("a key depends on every part and on where the parts end") {
  const Key base = derive_key("secret", {"rms_norm", "w1", "normal", "0"});
  CHECK(base == derive_key("secret", {"rms_norm", "w1", "normal", "0"}));
  CHECK(base != derive_key("secre", {"rms_norm", "w1", "normal", "0"}));
  CHECK(base != derive_key("secret", {"rms_norm", "w1", "normal", "1"}));
  CHECK(derive_key("s", {"ab", "c"}) != derive_key("s", {"a", "bc"}));
}

TEST_CASE("choices stay below their bound and reach all of it") {
  Choice choice(42);
  std::set<std::uint64_t> seen;
  for (int i = 0; i < 1000; ++i) {
    const std::uint64_t value = choice.below(7);
    REQUIRE(value < 7);
    seen.insert(value);
  }
  CHECK(seen.size() == 7);
}
