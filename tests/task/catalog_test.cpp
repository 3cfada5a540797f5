#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>

#include "env/config_error.h"
#include "env/task/task.h"

namespace crucible {
namespace {

TEST_CASE("a wrong name is answered with the right one") {
  try {
    find_task("rmsnorm", {CRUCIBLE_TASK_DIR});
    FAIL("found");
  } catch (const ConfigError& error) {
    CHECK(std::string(error.what()) == "no task is called 'rmsnorm'; did you mean 'rms_norm'?");
  }
  CHECK_THROWS_AS(find_task("", {CRUCIBLE_TASK_DIR}), ConfigError);
  CHECK_THROWS_AS(find_task("../tasks/rms_norm", {CRUCIBLE_TASK_DIR}), ConfigError);
  CHECK_THROWS_WITH_AS(task_names({"/no/such/folder"}),
                       "/no/such/folder: cannot list the task directory: No such file or directory", ConfigError);
}

TEST_CASE("the first directory wins, and a file must be named as its task") {
  const std::filesystem::path mine = std::filesystem::temp_directory_path() / "crucible_catalog_test";
  std::filesystem::create_directories(mine);
  std::filesystem::copy_file(std::string(CRUCIBLE_TASK_DIR) + "/softmax.yaml", mine / "softmax.yaml",
                             std::filesystem::copy_options::overwrite_existing);
  std::filesystem::copy_file(std::string(CRUCIBLE_TASK_DIR) + "/softmax.seed.cpp", mine / "softmax.seed.cpp",
                             std::filesystem::copy_options::overwrite_existing);
  CHECK(find_task("softmax", {mine.string(), CRUCIBLE_TASK_DIR})->file == (mine / "softmax.yaml").string());
  CHECK(find_task("gemm", {mine.string(), CRUCIBLE_TASK_DIR})->name == "gemm");
  std::filesystem::rename(mine / "softmax.yaml", mine / "hardmax.yaml");
  CHECK_THROWS_AS(find_task("hardmax", {mine.string()}), ConfigError);
  std::filesystem::remove_all(mine);
}

}  // namespace
}  // namespace crucible
