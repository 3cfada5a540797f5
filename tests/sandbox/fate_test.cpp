#include <doctest/doctest.h>

#include <csignal>

#include "rig.h"

using namespace crucible;
using namespace crucible::test;

namespace {

Outcome act(std::int64_t which, std::chrono::milliseconds patience = std::chrono::seconds(20)) {
  const CompileResult& compiled = program("hostile_acts.cpp");
  REQUIRE_MESSAGE(compiled.status == CompileResult::Status::ok, compiled.diagnostics);
  return run_act(compiled, which, "", patience);
}

}  // namespace

TEST_CASE("a call returns its code and the runner lives on") {
  const Outcome outcome = act(0);
  CHECK(outcome.returned);
  CHECK(outcome.code == 3);
  CHECK(outcome.fate.kind == FateKind::killed);  // by finish()
  CHECK_FALSE(accused(outcome));
}

TEST_CASE("a fault, an abort and a raised signal are named") {
  const std::pair<int, int> cases[] = {{1, SIGSEGV}, {2, SIGABRT},  {8, SIGSEGV},
                                       {9, SIGFPE},  {11, SIGTERM}, {15, SIGILL}};
  for (const auto& [which, signal] : cases) {
    CAPTURE(which);
    const Outcome outcome = act(which);
    CHECK_FALSE(outcome.returned);
    CHECK(outcome.fate.kind == FateKind::signalled);
    CHECK(outcome.fate.code == signal);
    CHECK_FALSE(accused(outcome));
  }
  CHECK(to_string(Fate{FateKind::signalled, SIGSEGV, ""}) == "killed by SIGSEGV");
}

TEST_CASE("an exception is caught with its text or its type") {
  const Outcome standard = act(3);
  CHECK(standard.returned);
  CHECK(standard.threw);
  CHECK(standard.message == "a kernel that throws");
  const Outcome own = act(4);
  CHECK(own.threw);
  CHECK(own.message.find("OwnException") != std::string::npos);
}

TEST_CASE("leaving is no success") {
  const Outcome polite = act(5);
  CHECK_FALSE(polite.returned);
  CHECK(polite.fate.kind == FateKind::exited);
  CHECK(polite.fate.code == 0);
  CHECK(act(6).fate.code == 9);
}

TEST_CASE("the main thread's end is the runner's") {
  const Outcome outcome = act(16, std::chrono::seconds(5));
  CHECK_FALSE(outcome.returned);
  // pthread_exit unwinds through the runner: it leaves, or the C++ runtime aborts it.
  CHECK((outcome.fate.kind == FateKind::exited || outcome.fate.kind == FateKind::signalled));
}

#if defined(__x86_64__)
TEST_CASE("a call's floating-point modes end with it") {
  Rig rig(program("hostile_acts.cpp").artifact.get());
  REQUIRE(rig.await_ready());
  CHECK(rig.call(17));
  CHECK(rig.call(18));
  CHECK(rig.page->return_code == 0);
}
#endif

TEST_CASE("an endless loop is stopped, resumed and killed") {
  const CompileResult& compiled = program("hostile_acts.cpp");
  Rig rig(compiled.artifact.get());
  REQUIRE(rig.await_ready());
  CHECK_FALSE(rig.call(7, std::chrono::milliseconds(50)));
  CHECK(rig.runner->stop());
  CHECK(rig.runner->stop());  // already stopped
  CHECK_FALSE(rig.runner->ended());
  rig.runner->resume();
  CHECK(rig.runner->stop());
  CHECK(rig.runner->finish().kind == FateKind::killed);
}

TEST_CASE("a runner cannot stop or continue itself") {
  const Outcome stopped = act(10);
  CHECK(stopped.returned);
  CHECK_FALSE(accused(stopped));
}

TEST_CASE("what it unmaps, floods or closes harms only itself") {
  const CompileResult& compiled = program("hostile_acts.cpp");
  Rig rig(compiled.artifact.get());
  REQUIRE(rig.await_ready());
  rig.call(12);
  CHECK(rig.arena[0] == doctest::Approx(12.078431f));  // 0x41414141, written before the unmapping
  const Outcome flood = act(13);
  CHECK(flood.output.size() == 4096);
  CHECK(flood.returned);
  CHECK(act(14).returned);
}

TEST_CASE("bombs stay small") {
  const Outcome threads = act(400);
  if (threads.returned) {
    CHECK(threads.code > 100);
    CHECK(threads.code < 2000);
  } else {  // where the kernel cannot count a jail's threads apart, the init does
    CHECK(threads.fate.kind == FateKind::killed);
    CHECK(threads.fate.detail.find("threads") != std::string::npos);
  }
  const Outcome memory = act(401);
  CHECK(memory.returned);
  CHECK(memory.code <= 3);
}
