#include <doctest/doctest.h>
#include <fcntl.h>

#include <cstdlib>
#include <cstring>

#include "rig.h"

using namespace crucible;
using namespace crucible::test;

namespace {

struct Loaded {
  RunnerState state;
  std::string message;
  Fate fate;
  std::vector<JailFinding> findings;
};

Loaded load(const std::string& source) {
  const CompileResult compiled = warden()->compile(request_for(source, "act"));
  REQUIRE_MESSAGE(compiled.status == CompileResult::Status::ok, compiled.diagnostics);
  Rig rig(compiled.artifact.get());
  rig.await_ready();
  Loaded loaded{static_cast<RunnerState>(rig.page->state.load()), rig.page->message, rig.runner->finish(), {}};
  loaded.findings = rig.runner->findings();
  return loaded;
}

const std::string kEntry = "extern \"C\" int act(void*, long, void*) { return 0; }\n";

}  // namespace

TEST_CASE("a constructor runs behind the same walls") {
  const Loaded loaded =
      load("#include <sys/socket.h>\nstruct A { A() { socket(AF_INET, SOCK_STREAM, 0); } } a;\n" + kEntry);
  CHECK(loaded.state == RunnerState::starting);
  CHECK(loaded.fate.kind == FateKind::forbidden);
  REQUIRE_FALSE(loaded.findings.empty());
  CHECK(loaded.findings[0].evidence == "socket(AF_INET)");
}

TEST_CASE("a constructor that leaves is no success") {
  const Loaded loaded = load("#include <unistd.h>\nstruct A { A() { _exit(0); } } a;\n" + kEntry);
  CHECK(loaded.state == RunnerState::starting);
  CHECK(loaded.fate.kind == FateKind::exited);
}

TEST_CASE("a constructor cannot open the artifact's path again") {
  const Loaded loaded = load(
      "#include <fcntl.h>\n#include <unistd.h>\n"
      "struct A { A() { if (open(\"/proc/self/fd/4\", O_RDONLY) >= 0) _exit(7); } } a;\n" +
      kEntry);
  CHECK(loaded.state == RunnerState::ready);
  CHECK(loaded.fate.kind == FateKind::killed);
}

TEST_CASE("an artifact that is none is a load failure with the loader's words") {
  const CompileResult& compiled = program("hostile_acts.cpp");
  Rig rig(::open("/dev/null", O_RDONLY));
  CHECK_FALSE(rig.await_ready());
  CHECK(static_cast<RunnerState>(rig.page->state.load()) == RunnerState::load_failed);
  CHECK(std::strstr(rig.page->message, "dlopen") != nullptr);
  CHECK(compiled.artifact);
}

TEST_CASE("nothing of the environment is inherited but what is asked for") {
  ::setenv("CRUCIBLE_TEST_SECRET", "x", 1);
  const CompileResult compiled = warden()->compile(
      request_for("#include <cstdlib>\n#include <cstring>\nextern char** environ;\n"
                  "extern \"C\" int act(void*, long, void*) { int n = 0; while (environ[n]) ++n;\n"
                  "  return std::getenv(\"CRUCIBLE_TEST_SECRET\") ? -1 : std::getenv(\"ASKED\") ? n : -2; }\n",
                  "act"));
  REQUIRE(compiled.status == CompileResult::Status::ok);
  Rig rig(compiled.artifact.get(), "", {{"ASKED", "1"}});
  REQUIRE(rig.await_ready());
  REQUIRE(rig.call(0));
  CHECK(rig.page->return_code == 2);  // ASKED and LC_ALL
}

TEST_CASE("only stdin, stdout and stderr are open") {
  const CompileResult compiled = warden()->compile(
      request_for("#include <fcntl.h>\nextern \"C\" int act(void*, long, void*) {\n"
                  "  int n = 0; for (int fd = 0; fd < 1000; ++fd) if (fcntl(fd, F_GETFD) >= 0) ++n; return n; }\n",
                  "act"));
  REQUIRE(compiled.status == CompileResult::Status::ok);
  Rig rig(compiled.artifact.get());
  REQUIRE(rig.await_ready());
  REQUIRE(rig.call(0));
  CHECK(rig.page->return_code == 3);
}
