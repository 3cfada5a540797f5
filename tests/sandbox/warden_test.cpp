#include "sandbox/warden/warden.h"

#include <dirent.h>
#include <doctest/doctest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <thread>

#include "rig.h"
#include "sandbox/sealed_memory.h"
#include "sandbox/warden/channel.h"
#include "sandbox/warden/uid_range.h"

using namespace crucible;
using namespace crucible::test;
using std::chrono::milliseconds;

namespace {

struct ProcessLine {
  std::string name;
  char state;
  pid_t parent;
};

std::map<pid_t, ProcessLine> processes() {
  std::map<pid_t, ProcessLine> found;
  DIR* proc = ::opendir("/proc");
  while (const dirent* entry = ::readdir(proc)) {
    std::ifstream file("/proc/" + std::string(entry->d_name) + "/stat");
    std::string line;
    if (!std::getline(file, line)) continue;
    const std::size_t open = line.find('('), close = line.rfind(')');
    ProcessLine process{line.substr(open + 1, close - open - 1), line[close + 2], 0};
    process.parent = std::atoi(line.c_str() + close + 3);
    found[std::atoi(entry->d_name)] = process;
  }
  ::closedir(proc);
  return found;
}

std::set<pid_t> descendants(pid_t root) {
  const auto all = processes();
  std::set<pid_t> found;
  for (bool grown = true; grown;) {
    grown = false;
    for (const auto& [process, line] : all)
      if (line.parent == root || found.count(line.parent) != 0) grown = found.insert(process).second || grown;
  }
  return found;
}

bool all_gone_within(const std::set<pid_t>& watched, milliseconds patience) {
  const auto deadline = std::chrono::steady_clock::now() + patience;
  while (std::chrono::steady_clock::now() < deadline) {
    const auto all = processes();
    bool any = false;
    for (const pid_t process : watched) any = any || (all.count(process) != 0 && all.at(process).state != 'Z');
    if (!any) return true;
    std::this_thread::sleep_for(milliseconds(20));
  }
  return false;
}

std::set<pid_t> children_named(const std::string& name) {
  std::set<pid_t> found;
  for (const auto& [process, line] : processes())
    if (line.parent == ::getpid() && line.name == name) found.insert(process);
  return found;
}

}  // namespace

TEST_CASE("a warden that dies is noticed") {
  const std::set<pid_t> before = children_named("crucible-warden");
  auto victim = Warden::launch({});
  pid_t process = -1;
  for (const pid_t child : children_named("crucible-warden"))
    if (before.count(child) == 0) process = child;
  REQUIRE(process > 0);
  Rig rig(program("hostile_acts.cpp").artifact.get(), "", {}, victim);
  REQUIRE(rig.await_ready());
  const std::set<pid_t> started = descendants(process);
  CHECK(started.size() == 2);
  ::kill(process, SIGKILL);
  CHECK(all_gone_within(started, milliseconds(2000)));
  CHECK(rig.runner->ended());
  CHECK_THROWS_AS(victim->compile(request_for("x", "act")), WardenLost);
  CHECK_THROWS_AS(victim->spawn_trusted("crucible-runner", {}), WardenLost);
}

TEST_CASE("no folder is left behind, even by a killed warden") {
  const auto scratch = [] {
    std::set<std::string> found;
    for (const auto& entry : std::filesystem::directory_iterator("/tmp"))
      if (entry.path().filename().string().starts_with("crucible-jail-")) found.insert(entry.path());
    return found;
  };
  ::setenv("CRUCIBLE_SANDBOX_LEVEL", "container", 1);
  const std::set<pid_t> before = children_named("crucible-warden");
  const std::set<std::string> folders = scratch();
  auto victim = Warden::launch({});
  ::unsetenv("CRUCIBLE_SANDBOX_LEVEL");
  Rig rig(program("hostile_acts.cpp").artifact.get(), "container", {}, victim);
  REQUIRE(rig.await_ready());
  std::set<std::string> mine;
  for (const std::string& folder : scratch())
    if (folders.count(folder) == 0) mine.insert(folder);
  CHECK_FALSE(mine.empty());
  for (const pid_t child : children_named("crucible-warden"))
    if (before.count(child) == 0) ::kill(child, SIGKILL);
  // Ours either way: its init saw the warden go, or heard finish() first.
  const FateKind end = rig.runner->finish().kind;
  CHECK((end == FateKind::lost || end == FateKind::killed));
  std::this_thread::sleep_for(milliseconds(300));
  const std::set<std::string> now = scratch();
  for (const std::string& folder : mine) CHECK(now.count(folder) == 0);
}

TEST_CASE("a fork of the trainer cannot use its parent's warden") {
  auto mine = warden();
  const pid_t child = ::fork();
  if (child == 0) {
    try {
      mine->compile(request_for("x", "act"));
    } catch (const WardenLost&) {
      ::_exit(42);
    } catch (...) {
      ::_exit(1);
    }
    ::_exit(0);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  CHECK(WEXITSTATUS(status) == 42);
  CHECK(mine->compile(request_for("extern \"C\" int act() { return 0; }", "act")).status == CompileResult::Status::ok);
}

TEST_CASE("when the trainer is killed nothing is left after two seconds") {
  const CompileResult& compiled = program("hostile_acts.cpp");
  REQUIRE(compiled.artifact);
  for (const char* level : {"", "user", "container"}) {
    CAPTURE(level);
    int ready[2];
    REQUIRE(::pipe(ready) == 0);
    const pid_t trainer = ::fork();
    if (trainer == 0) {
      if (*level != 0) ::setenv("CRUCIBLE_SANDBOX_LEVEL", level, 1);
      auto own = Warden::launch({});
      // A worker that outlives the trainer keeps a copy of every descriptor: end-of-file alone would never come.
      const pid_t worker = ::fork();
      if (worker == 0) {
        ::sleep(6);
        ::_exit(0);
      }
      Rig rig(compiled.artifact.get(), level, {}, own);
      rig.await_ready();
      rig.call(7, milliseconds(10));  // endless
      std::jthread compiling([&] { own->compile(request_for(program_text("benign_acts.cpp"), "act")); });
      std::this_thread::sleep_for(milliseconds(150));
      [[maybe_unused]] const ssize_t told = ::write(ready[1], &worker, sizeof worker);
      ::pause();
    }
    pid_t worker = 0;
    REQUIRE(::read(ready[0], &worker, sizeof worker) == sizeof worker);
    std::set<pid_t> watched = descendants(trainer);
    watched.erase(worker);
    CHECK(watched.size() >= 6);  // warden, two inits, runner, driver, compiler
    ::kill(trainer, SIGKILL);
    ::waitpid(trainer, nullptr, 0);
    CHECK(all_gone_within(watched, milliseconds(2000)));
    ::kill(worker, SIGKILL);
    ::close(ready[0]);
    ::close(ready[1]);
  }
}

TEST_CASE("destroying a warden ends its runners and compilers") {
  const CompileResult& compiled = program("hostile_acts.cpp");
  const std::set<pid_t> before = descendants(::getpid());
  std::set<pid_t> mine;
  {
    auto own = Warden::launch({});
    Rig rig(compiled.artifact.get(), "", {}, own);
    CHECK(rig.await_ready());
    for (const pid_t process : descendants(::getpid()))
      if (before.count(process) == 0) mine.insert(process);
    CHECK(mine.size() == 3);
  }
  CHECK(all_gone_within(mine, milliseconds(2000)));
}

TEST_CASE("a helper that ends is noticed through its socket") {
  Channel peer(warden()->spawn_trusted("crucible-runner", {}));  // without its arguments it leaves at once
  CHECK_FALSE(peer.receive(milliseconds(5000)));
  CHECK_FALSE(peer.open());
}

TEST_CASE("a plug-in runs as a baseline from its path") {
  const CompileResult compiled =
      warden()->compile(request_for("extern \"C\" int act(void*, long which, void*) { return which + 1; }", "act"));
  REQUIRE(compiled.status == CompileResult::Status::ok);
  const std::string path = "/tmp/crucible-test-plugin-" + std::to_string(::getpid()) + ".so";
  std::ofstream(path, std::ios::binary) << read_all(compiled.artifact.get(), 1u << 20);
  for (const char* level : {"", "user", "container"}) {
    CAPTURE(level);
    Rig rig(-1, level, {}, nullptr, path);
    CHECK(rig.await_ready());
    CHECK(rig.call(41));
    CHECK(rig.page->return_code == 42);
    CHECK(rig.runner->stop());
  }
  ::unlink(path.c_str());
}

TEST_CASE("uids come from what the host's map allows") {
  const UidRange whole = uid_range("         0          0 4294967295\n", 7);
  CHECK(whole.count == 128);
  CHECK(whole.first >= 0x60000000u);
  CHECK(uid_range("0 0 4294967295\n", 8).first != whole.first);
  const UidRange rootless = uid_range("0 1000 1\n1 100000 65536\n", 123456);
  CHECK(rootless.count == 128);
  CHECK(rootless.first >= 10000u);
  CHECK(rootless.first + rootless.count <= 65537u);
  CHECK(uid_range("0 1000 1\n", 1).count == 0);
  CHECK(uid_range("", 1).count == 0);
}

TEST_CASE("helpers are found by name only") {
  CHECK_THROWS_AS(warden()->spawn_trusted("../evil", {}), std::runtime_error);
  CHECK_THROWS_AS(warden()->spawn_trusted("crucible-nothing", {}), std::runtime_error);
  WardenOptions options;
  options.libexec = "/nonexistent";
  CHECK_THROWS_AS(Warden::launch(options), std::runtime_error);
}
