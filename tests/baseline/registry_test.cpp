#include "env/baseline/registry.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <set>

#include "tests/baseline/plugin.h"

namespace crucible {
namespace {

TEST_CASE("a folder without plug-ins, or no folder, has none") {
  CHECK(baseline_plugins("/nonexistent").empty());
  const auto folder = std::filesystem::temp_directory_path() / ("crucible_registry_" + std::to_string(getpid()));
  std::filesystem::create_directories(folder / "baselines");
  CHECK(baseline_plugins(folder.string()).empty());
  std::ofstream(folder / "baselines" / "readme.txt") << "not a plug-in";
  std::ofstream(folder / "baselines" / "b.so") << "";
  std::ofstream(folder / "baselines" / "a.so") << "";
  const auto found = baseline_plugins(folder.string());
  REQUIRE(found.size() == 2);
  CHECK(found[0].name == "a");
  CHECK(found[1].name == "b");
  CHECK(std::filesystem::path(found[1].path).is_absolute());
  std::filesystem::remove_all(folder);
}

TEST_CASE("every installed plug-in loads, gives its own name and a version, and serves a task") {
  const std::vector<std::string> tasks = task_names({CRUCIBLE_TASK_DIR});
  const auto plugins = baseline_plugins(CRUCIBLE_LIBEXEC_DIR);
  REQUIRE(!plugins.empty());
  for (const BaselinePlugin& plugin : plugins) {
    CAPTURE(plugin.path);
    const Plugin loaded(plugin.path);
    CHECK(loaded.text("crucible_baseline_name") == plugin.name);
    CHECK(!loaded.text("crucible_baseline_version").empty());
    CHECK(std::any_of(tasks.begin(), tasks.end(), [&](const auto& task) { return loaded.entry(task) != nullptr; }));
  }
}

}  // namespace
}  // namespace crucible
