#include <doctest/doctest.h>

#include "rig.h"

using namespace crucible;
using namespace crucible::test;

namespace {

Outcome act(std::int64_t which) {
  const CompileResult& compiled = program("hostile_acts.cpp");
  REQUIRE_MESSAGE(compiled.status == CompileResult::Status::ok, compiled.diagnostics);
  return run_act(compiled, which);
}

}  // namespace

TEST_CASE("a forbidden system call ends the runner and is named") {
  const std::pair<int, const char*> cases[] = {
      {100, "clone"},
      {101, "execve(\"/bin/sh\")"},
      {102, "socket(AF_INET)"},
      {103, "ptrace"},
      {104, "kill(1, 9)"},
      {105, "kill(-1, 9)"},
      {106, "process_vm_readv"},
      {107, "pidfd_open"},
      {108, "prlimit64"},
      {109, "unshare"},
      {110, "shmget"},
      {111, "io_uring_setup"},
      {112, "bpf"},
      {113, "userfaultfd"},
      {114, "fcntl"},
      {115, "clone"},
      {116, "prctl"},
      {117, "perf_event_open"},
      {118, "fcntl"},
      {119, "rt_sigqueueinfo"},
      {120, "prctl"},
      {121, "process_madvise"},
      {122, "sched_setaffinity(1)"},
      {123, "clone"},
      {124, "socket"},
  };
  for (const auto& [which, name] : cases) {
    CAPTURE(which);
    CAPTURE(name);
    const Outcome outcome = act(which);
    CAPTURE(to_string(outcome.fate));
    CHECK_FALSE(outcome.returned);
    CHECK(outcome.fate.kind == FateKind::forbidden);
    CHECK(outcome.fate.detail.starts_with(name));
    CHECK(has_finding(outcome, "forbidden_system_call", true));
  }
}

#if defined(__x86_64__)
TEST_CASE("system calls of another kind kill") {
  for (const int which : {125, 126}) {
    const Outcome outcome = act(which);
    CHECK_FALSE(outcome.returned);
    CHECK(outcome.fate.kind == FateKind::forbidden);
    CHECK(accused(outcome));
  }
}
#endif

TEST_CASE("a library or a process's memory is conclusive, other files are not") {
  for (const int which : {200, 201}) {
    CAPTURE(which);
    const Outcome outcome = act(which);
    CHECK(outcome.fate.kind == FateKind::forbidden);
    CHECK(has_finding(outcome, "library_load", true));
  }
  for (const int which : {202, 203, 204, 209}) {
    CAPTURE(which);
    const Outcome outcome = act(which);
    CHECK(outcome.fate.kind == FateKind::forbidden);
    CHECK(has_finding(outcome, "process_memory_access", true));
  }
  for (const int which : {205, 206, 207}) {
    CAPTURE(which);
    const Outcome outcome = act(which);
    CHECK(outcome.returned);
    CHECK(outcome.code == 0);
    CHECK(has_finding(outcome, "file_access_denied", false));
    CHECK_FALSE(accused(outcome));
  }
  const Outcome runtime = act(208);
  CHECK(runtime.returned);
  CHECK(runtime.code == 0);
}

TEST_CASE("what libraries try is refused without accusation") {
  for (const int which : {300, 301, 302, 303, 304, 305, 306}) {
    CAPTURE(which);
    const Outcome outcome = act(which);
    CAPTURE(to_string(outcome.fate));
    CHECK(outcome.returned);
    CHECK(outcome.code == 0);
    CHECK_FALSE(accused(outcome));
    if (which == 303) CHECK(has_finding(outcome, "executable_memory_refused", false));
  }
}
