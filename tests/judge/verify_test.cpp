#include "env/judge/verify.h"

#include <doctest/doctest.h>

#include <limits>

#include "tests/judge/judge_fixture.h"

using namespace crucible;

TEST_CASE("the bar is twice the worst admitted baseline, never below 2, and sloppy baselines do not loosen it") {
  OutputError good;
  good.eta = 0.5;
  good.rms_eta = 0.3;
  good.finite_elements = 5000;
  OutputError fair = good;
  fair.eta = 3;
  fair.rms_eta = 0.5;
  OutputError sloppy = good;
  sloppy.eta = 17;
  CHECK(bar_from({{good}})[0].max_eta == 2);
  CHECK(bar_from({{good}, {fair}})[0].max_eta == 6);
  CHECK(bar_from({{good}, {fair}})[0].max_rms_eta == doctest::Approx(0.575));
  CHECK(bar_from({{good}, {sloppy}})[0].max_eta == 2);
  CHECK(bar_from({{sloppy}}).empty());
  OutputError broken = good;
  broken.mismatch = "NaN where a number belongs";
  CHECK(bar_from({{broken}}).empty());
}

TEST_CASE("few elements fix no root mean square") {
  OutputError few;
  few.eta = 0.5;
  few.rms_eta = 0.4;
  few.finite_elements = 100;
  CHECK_FALSE(bar_from({{few}})[0].max_rms_eta);
}

TEST_CASE("no trivial program passes the plain families") {
  for (const std::string name : {"rms_norm", "silu_and_mul", "softmax"}) {
    const auto loaded = crucible::test::task(name);
    Pool pool(loaded, "secret");
    for (const Case& which : loaded->cases) {
      PoolCase& pool_case = crucible::test::ready_case(pool, which);
      bool empty = true;
      for (const Argument& argument : pool_case.layout.arguments)
        if (argument.kind == Argument::Kind::tensor && argument.tensor.access != Access::input)
          empty = empty && argument.tensor.element_count() == 0;
      CAPTURE(name);
      CAPTURE(which.workload->name);
      CAPTURE(which.family);
      if (which.family == "normal" && !empty && which.workload->axes.back().second > 1)
        CHECK_FALSE(trivial_program_passes(pool_case, 0));
      if (empty) CHECK(trivial_program_passes(pool_case, 0));
    }
  }
}
