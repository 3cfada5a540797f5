#pragma once

#include <signal.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <string>

#include "env/evaluator.h"

/// One real evaluator for a whole test program, and the means to kill its judge.
namespace crucible::test {

inline std::string run_directory() {
  static const std::string run = "/tmp/crucible-pool-test-" + std::to_string(::getpid());
  return run;
}

inline const std::shared_ptr<Evaluator>& evaluator() {
  struct Cleanup {
    ~Cleanup() { std::filesystem::remove_all(run_directory()); }
  };
  static const Cleanup cleanup;
  static const std::shared_ptr<Evaluator> shared = [] {
    EvaluatorOptions options;
    options.backend = "cpu";
    options.run_directory = run_directory();
    options.config_directory = CRUCIBLE_CONFIG_DIR;
    options.secret = "a secret of the tests, long enough";
    options.time_budget_seconds = 0.3;
    return std::make_shared<Evaluator>(options);
  }();
  return shared;
}

inline pid_t parent_of(pid_t process) {
  std::ifstream stat("/proc/" + std::to_string(process) + "/stat");
  std::string text(std::istreambuf_iterator<char>(stat), {});
  const std::size_t after_name = text.rfind(')');
  return after_name == std::string::npos ? 0 : static_cast<pid_t>(std::atol(text.c_str() + after_name + 4));
}

/// The judge of this process: a grandchild, through the warden. 0 when there is none.
inline pid_t judge_process() {
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator("/proc", ignored)) {
    const auto pid = static_cast<pid_t>(std::atol(entry.path().filename().c_str()));
    if (pid <= 0) continue;
    std::string name;
    std::getline(std::ifstream(entry.path() / "comm"), name);
    if (name == "crucible-judge" && parent_of(parent_of(pid)) == ::getpid()) return pid;
  }
  return 0;
}

}  // namespace crucible::test
