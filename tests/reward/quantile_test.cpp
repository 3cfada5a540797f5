#include "reward/quantile.h"

#include <doctest/doctest.h>

#include <cmath>
#include <initializer_list>

using namespace crucible;

TEST_CASE("Student's quantiles agree with published tables") {
  // alpha two-sided, degrees, quantile (computed with an independent implementation to 15 digits)
  const double table[][3] = {
      {0.05, 1, 12.706204736174705},  {0.005, 1, 127.32133646887213}, {0.05, 2, 4.302652729749464},
      {0.005, 2, 14.089047275555295}, {0.05, 3, 3.1824463052837086},  {0.005, 3, 7.453318505150624},
      {0.05, 7, 2.3646242515927844},  {0.005, 7, 4.029337177642486},  {0.05, 18, 2.1009220402410387},
      {0.005, 18, 3.196574222255219}, {0.05, 1e7, 1.959963984540054}};
  for (const auto& [alpha, degrees, quantile] : table) {
    CAPTURE(degrees);
    CHECK(student_two_sided(alpha, degrees) == doctest::Approx(quantile).epsilon(degrees > 1e5 ? 1e-5 : 1e-9));
  }
}

TEST_CASE("quantile and tail are inverse for any degrees") {
  for (double degrees : {1.0, 1.7, 2.5, 4.0, 11.3, 40.0, 1000.0}) {
    for (double alpha : {0.5, 0.1, 0.005, 0.000625, 1e-8}) {
      CHECK(2 * student_upper_tail(student_two_sided(alpha, degrees), degrees) == doctest::Approx(alpha).epsilon(1e-7));
    }
  }
  CHECK(student_upper_tail(0, 5) == doctest::Approx(0.5));
  CHECK(student_upper_tail(-2, 5) == doctest::Approx(1 - student_upper_tail(2, 5)));
}

TEST_CASE("Fisher's tail agrees with an independent implementation, and with Student's") {
  CHECK(fisher_upper_tail(4.0, 3, 20) == doctest::Approx(0.022076999662362404).epsilon(1e-10));
  CHECK(fisher_upper_tail(0, 3, 20) == 1);
  for (double t : {0.3, 1.0, 4.0})
    CHECK(fisher_upper_tail(t * t, 1, 9) == doctest::Approx(2 * student_upper_tail(t, 9)));
}
