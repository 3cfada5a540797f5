#include <doctest/doctest.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>

#include "rig.h"
#include "sandbox/jail/bpf.h"

using namespace crucible;
using namespace crucible::test;

namespace {

// What a default container profile refuses: namespaces, mounts, clone3, Landlock, reading another process's memory.
bool behave_like_a_container(bool listeners) {
  constexpr std::uint32_t no = SECCOMP_RET_ERRNO | EPERM, unknown = SECCOMP_RET_ERRNO | ENOSYS;
  SeccompProgram program;
  for (const int number : {SYS_unshare, SYS_setns, SYS_mount, SYS_pivot_root, SYS_process_vm_readv})
    program.rule(number, no);
  for (const int number : {SYS_clone3, SYS_landlock_create_ruleset}) program.rule(number, unknown);
  std::vector<ArgumentTest> namespaces;
  for (const int flag : {CLONE_NEWUSER, CLONE_NEWNS, CLONE_NEWPID, CLONE_NEWNET, CLONE_NEWIPC, CLONE_NEWUTS})
    namespaces.push_back({0, static_cast<std::uint32_t>(flag), static_cast<std::uint32_t>(flag), no});
  program.rule(SYS_clone, namespaces, SECCOMP_RET_ALLOW);
  if (!listeners)
    program.rule(SYS_seccomp,
                 {{1, SECCOMP_FILTER_FLAG_NEW_LISTENER, SECCOMP_FILTER_FLAG_NEW_LISTENER, SECCOMP_RET_ERRNO | EBUSY}},
                 SECCOMP_RET_ALLOW);
  return ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && install_seccomp(program.build(SECCOMP_RET_ALLOW), false) == 0;
}

}  // namespace

TEST_CASE("the level is reported with its walls") {
  const Isolation isolation = warden()->isolation();
  CHECK_FALSE(isolation.level.empty());
  for (const char* wall :
       {"limits", "no_new_privs", "seccomp", "clean_environment", "closed_descriptors", "wall_clock"}) {
    CAPTURE(wall);
    CHECK(isolation.walls.at(wall));
  }
  if (isolation.level == "full") {
    CHECK(isolation.walls.at("own_uid"));
    CHECK(isolation.walls.at("pid_namespace"));
    CHECK(isolation.walls.at("mount_namespace"));
    CHECK_FALSE(isolation.walls.at("user_namespace"));
  }
}

TEST_CASE("a level can be demanded") {
  WardenOptions options;
  options.demanded_level = "container";
  CHECK_NOTHROW(Warden::launch(options));
  options.demanded_level = "fortress";
  CHECK_THROWS_AS(Warden::launch(options), std::runtime_error);
  ::setenv("CRUCIBLE_SANDBOX_LEVEL", "container", 1);
  options.demanded_level = "full";
  std::string message;
  try {
    Warden::launch(options);
  } catch (const std::runtime_error& error) {
    message = error.what();
  }
  ::unsetenv("CRUCIBLE_SANDBOX_LEVEL");
  CHECK(message.find("full") != std::string::npos);
  CHECK(message.find("container") != std::string::npos);
}

TEST_CASE("a host like a default container still has every mandatory wall") {
  const CompileResult& compiled = program("hostile_acts.cpp");
  REQUIRE(compiled.status == CompileResult::Status::ok);
  const auto on_such_a_host = [&](bool listeners) {
    if (!behave_like_a_container(listeners)) return 1;
    auto own = Warden::launch({});
    if (own->isolation().level != "container" || own->isolation().walls.at("landlock")) return 2;
    if (own->compile(request_for("extern \"C\" int act() { return 0; }", "act")).status != CompileResult::Status::ok)
      return 3;
    const auto run = [&](int which) { return run_act(compiled, which, "", std::chrono::seconds(20), own); };
    if (const Outcome outcome = run(0); !outcome.returned || outcome.code != 3) return 4;
    for (const int which : {100, 101, 102, 103, 104, 108, 113})
      if (run(which).fate.kind != FateKind::forbidden) return 100 + which % 100;
    for (const int which : {205, 206, 303})
      if (const Outcome outcome = run(which); !outcome.returned || outcome.code != 0 || accused(outcome)) return 6;
    return 0;
  };
  for (const bool listeners : {true, false}) {
    CAPTURE(listeners);
    const pid_t child = ::fork();
    if (child == 0) ::_exit(on_such_a_host(listeners));
    int status = 0;
    ::waitpid(child, &status, 0);
    CHECK(WIFEXITED(status));
    CHECK(WEXITSTATUS(status) == 0);
  }
}

TEST_CASE("lower levels hold too") {
  const CompileResult& compiled = program("hostile_acts.cpp");
  REQUIRE(compiled.status == CompileResult::Status::ok);
  for (const std::string level : {"user", "container"}) {
    CAPTURE(level);
    const auto lowered = warden(level);
    if (lowered->isolation().level != level) {
      MESSAGE("this host has no level ", level);
      continue;
    }
    const CompileResult again =
        lowered->compile(request_for("extern \"C\" int act(void*, long, void*) { return 5; }\n", "act"));
    CHECK_MESSAGE(again.status == CompileResult::Status::ok, again.diagnostics);
    const CompileResult leak = lowered->compile(request_for("#include \"/etc/passwd\"\n", "act"));
    CHECK(leak.status == CompileResult::Status::error);
    if (lowered->isolation().walls.at("landlock") || level == "user")
      CHECK(leak.diagnostics.find("root:") == std::string::npos);

    Outcome outcome = run_act(compiled, 0, level);
    CHECK(outcome.returned);
    CHECK(outcome.code == 3);
    for (const int which : {100, 101, 102, 103, 104, 105, 108, 119, 122, 200, 202, 203}) {
      CAPTURE(which);
      outcome = run_act(compiled, which, level);
      CHECK_FALSE(outcome.returned);
      CHECK(outcome.fate.kind == FateKind::forbidden);
      CHECK(accused(outcome));
    }
    outcome = run_act(compiled, 1, level);
    CHECK(outcome.fate.kind == FateKind::signalled);
    outcome = run_act(compiled, 205, level);
    CHECK(outcome.returned);
    CHECK_FALSE(accused(outcome));
    outcome = run_act(compiled, 400, level);  // threads
    CHECK((outcome.fate.kind == FateKind::killed || outcome.returned));
    if (outcome.returned) CHECK(outcome.code < 20000);
  }
}
