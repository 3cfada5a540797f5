#include <doctest/doctest.h>

#include "rig.h"

using namespace crucible;
using namespace crucible::test;

TEST_CASE("honest code that looks odd is never accused") {
  const CompileResult& compiled = program("benign_acts.cpp");
  REQUIRE_MESSAGE(compiled.status == CompileResult::Status::ok, compiled.diagnostics);
  for (const auto& environment : {std::map<std::string, std::string>{{"OMP_NUM_THREADS", "3"}},
                                  std::map<std::string, std::string>{
                                      {"OMP_NUM_THREADS", "2"}, {"OMP_PROC_BIND", "close"}, {"OMP_PLACES", "cores"}}}) {
    Rig rig(compiled.artifact.get(), "", environment);
    REQUIRE(rig.await_ready());
    for (int which = 0; which < 16; ++which) {
      CAPTURE(which);
      REQUIRE(rig.call(which));
      CHECK(rig.page->threw == 0);
      CHECK(rig.page->return_code == 0);
    }
    CHECK(rig.runner->finish().kind == FateKind::killed);
    for (const JailFinding& finding : rig.runner->findings()) {
      CAPTURE(finding.kind);
      CAPTURE(finding.evidence);
      CHECK_FALSE(finding.conclusive);
    }
  }
}
