#include "reward/terms/portable_math.h"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <random>

using namespace crucible;

TEST_CASE("portable functions agree with the C library's to a few units in the last place") {
  std::mt19937_64 random(2);
  std::uniform_real_distribution<double> wide(-300, 300), narrow(-3, 3);
  for (int i = 0; i < 20000; ++i) {
    const double x = narrow(random), big = wide(random);
    CHECK(std::abs(portable_log2(std::exp2(big)) - std::log2(std::exp2(big))) <= 8e-16 * std::abs(big));
    CHECK(std::abs(portable_log2(std::exp2(x)) - std::log2(std::exp2(x))) <= 1e-15);
    CHECK(std::abs(portable_exp2(x) / std::exp2(x) - 1) <= 1e-15);
    CHECK(std::abs(portable_exp2(big) / std::exp2(big) - 1) <= 1e-15);
    CHECK(std::abs(portable_tanh(x) - std::tanh(x)) <= 1e-15);
  }
}

TEST_CASE("powers of two and limits are exact") {
  for (int e = -1022; e <= 1023; ++e) CHECK(portable_log2(std::ldexp(1.0, e)) == e);
  CHECK(portable_log2(std::numeric_limits<double>::denorm_min()) == -1074);
  CHECK(portable_exp2(0) == 1);
  CHECK(portable_exp2(10) == 1024);
  CHECK(portable_tanh(0) == 0);
  CHECK(portable_tanh(1e9) == 1);
  CHECK(portable_tanh(-1e9) == -1);
}
