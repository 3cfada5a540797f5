#include "env/run_directory.h"

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "env/config_error.h"

using namespace crucible;

TEST_CASE("a run directory draws its secret once and keeps it to its owner") {
  const std::string path = "/tmp/crucible-run-test-" + std::to_string(::getpid()) + "/with space";
  const RunDirectory first = open_run_directory(path, "");
  const RunDirectory again = open_run_directory(path, "");
  CHECK(first.secret.size() == 32);
  CHECK(first.secret == again.secret);
  struct stat info {};
  REQUIRE(::stat((first.path + "/secret").c_str(), &info) == 0);
  CHECK((info.st_mode & 0777) == 0600);
  CHECK(open_run_directory(path, "configured secret").secret == "configured secret");
  { std::ofstream(first.path + "/secret", std::ios::trunc) << "short"; }
  CHECK_THROWS_AS(open_run_directory(path, ""), ConfigError);
  std::filesystem::remove_all(std::filesystem::path(path).parent_path());
}

TEST_CASE("a run directory that cannot be made is bad configuration") {
  CHECK_THROWS_WITH_AS(open_run_directory("/proc/nowhere/run", ""), doctest::Contains("/proc/nowhere/run"),
                       ConfigError);
}
