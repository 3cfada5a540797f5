#include <doctest/doctest.h>
#include <unistd.h>

#include "rig.h"

using namespace crucible;
using namespace crucible::test;

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
