#include "env/judge/crew.h"

#include <doctest/doctest.h>

#include <numeric>
#include <stdexcept>

using namespace crucible;

TEST_CASE("a crew does every item once, whoever takes it") {
  for (const std::vector<int>& cpus : {std::vector<int>{}, std::vector<int>{0}, std::vector<int>{0, 1, 4096}}) {
    Crew crew(cpus);
    for (std::size_t count : {0u, 1u, 2u, 3u, 1000u}) {
      std::vector<std::atomic<int>> done(count);
      for (int round = 0; round < 50; ++round) crew.each(count, [&](std::size_t i) { ++done[i]; });
      for (const std::atomic<int>& each : done) CHECK(each == 50);
    }
  }
}

TEST_CASE("what one item throws reaches the caller, and the crew goes on working") {
  Crew crew({0});
  CHECK_THROWS_AS(crew.each(100,
                            [](std::size_t i) {
                              if (i == 37) throw std::runtime_error("item 37");
                            }),
                  std::runtime_error);
  std::atomic<int> done{0};
  crew.each(100, [&](std::size_t) { ++done; });
  CHECK(done == 100);
}
