#include "env/diagnosis.h"

#include <array>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string_view>

#include "env/baseline/registry.h"
#include "env/run_directory.h"

namespace crucible {
namespace {

using nlohmann::json;

struct Wall {
  std::string_view name;
  std::string_view protects;
};

constexpr std::array kWalls = {
    Wall{"own_uid", "the judge's files and processes from a kernel that runs under the same user"},
    Wall{"pid_namespace", "other processes from being seen or signalled; nothing outlives the jail"},
    Wall{"net_namespace", "the network and local services"},
    Wall{"mount_namespace", "files outside the few that a kernel needs"},
    Wall{"ipc_namespace", "shared memory and message queues of others"},
    Wall{"uts_namespace", "the host's name"},
    Wall{"landlock", "every file that is not named, whatever its permissions"},
    Wall{"seccomp", "the kernel from system calls that no kernel source needs"},
    Wall{"seccomp_notify", "evidence: which forbidden system call was made"},
    Wall{"no_new_privs", "against gaining privileges by executing set-uid programs"},
    Wall{"rlimits", "the machine's memory, files and processes"},
};

std::string_view protects(std::string_view name) {
  for (const Wall& wall : kWalls)
    if (wall.name == name) return wall.protects;
  return "";
}

}  // namespace

std::string diagnose_host(const EvaluatorOptions& options, const Toolchain& toolchain, const std::string& device,
                          const Isolation* isolation, const std::string& isolation_failure) {
  json report;
  json problems = json::array();
  if (isolation != nullptr) {
    json walls = json::array();
    for (const auto& [name, stands] : isolation->walls)
      walls.push_back({{"name", name}, {"stands", stands}, {"protects", protects(name)}});
    report["isolation"] = {{"level", isolation->level}, {"walls", walls}};
  } else {
    report["isolation"] = nullptr;
    problems.push_back(isolation_failure);
  }
  report["compiler"] = {{"version", toolchain.version}, {"arguments", toolchain.arguments}};
  report["device"] = device;
  json baselines = json::array();
  for (const BaselinePlugin& plugin : baseline_plugins(options.libexec))
    baselines.push_back({{"name", plugin.name}, {"path", plugin.path}});
  if (baselines.empty()) problems.push_back(options.libexec + "/baselines holds no baseline");
  report["baselines"] = baselines;
  report["cuda"] = std::filesystem::exists("/dev/nvidiactl");
  report["run_directory"] = options.run_directory;
  report["cache_directory"] = cache_directory();
  report["problems"] = problems;
  return report.dump(2);
}

}  // namespace crucible
