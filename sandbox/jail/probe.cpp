#include "sandbox/jail/probe.h"

#include <unistd.h>

#include "sandbox/jail/landlock.h"

namespace crucible {
namespace {

constexpr std::uint32_t kProbeUid = 0x70000000;

JailWalls walls_of(const std::string& level) {
  JailWalls walls;
  const bool namespaces = level != "container";
  walls.user_namespace = level == "user";
  walls.pid_namespace = walls.mount_namespace = walls.net_namespace = walls.ipc_namespace = walls.uts_namespace =
      namespaces;
  walls.own_uid = ::geteuid() == 0;
  walls.landlock = landlock_version() > 0;
  walls.uid = kProbeUid;
  return walls;
}

JailPlan probe_plan(const JailWalls& walls) {
  JailPlan plan;  // no program: the child leaves once every wall stands
  plan.walls = walls;
  plan.spec.private_proc = true;
  plan.spec.readable = {"/usr", "/lib", "/lib64", "/etc/ld.so.cache"};
  plan.spec.work_directory_bytes = 1u << 20;
  plan.spec.limits.open_files = 64;
  plan.spec.limits.processes = 64;
  return plan;
}

std::map<std::string, bool> named(const JailWalls& walls) {
  return {{"own_uid", walls.own_uid},
          {"user_namespace", walls.user_namespace},
          {"pid_namespace", walls.pid_namespace},
          {"mount_namespace", walls.mount_namespace},
          {"net_namespace", walls.net_namespace},
          {"ipc_namespace", walls.ipc_namespace},
          {"uts_namespace", walls.uts_namespace},
          {"landlock", walls.landlock},
          {"limits", true},
          {"no_new_privs", true},
          {"seccomp", true},
          {"clean_environment", true},
          {"closed_descriptors", true},
          {"wall_clock", true}};
}

}  // namespace

ProbedLevel probe_level(const std::string& highest, const std::function<std::string(const JailPlan&)>& attempt) {
  ProbedLevel probed;
  std::vector<std::string> levels = {"full", "user", "container"};
  if (highest == "user") levels = {"user", "container"};
  if (highest == "container") levels = {"container"};
  if (!highest.empty()) probed.missing = "CRUCIBLE_SANDBOX_LEVEL lowers it to " + highest;
  for (const std::string& level : levels) {
    if (level == "full" && ::geteuid() != 0) {
      probed.missing += "full needs root; ";
      continue;
    }
    JailWalls walls = walls_of(level);
    std::string failure = attempt(probe_plan(walls));
    if (!failure.empty() && level == "container" && walls.own_uid) {
      // Root without CAP_SETUID: a stripped container.
      walls.own_uid = false;
      failure = attempt(probe_plan(walls));
    }
    if (failure.empty()) {
      probed.level = level;
      probed.walls = walls;
      probed.reached = named(walls);
      return probed;
    }
    probed.missing += level + ": " + failure + "; ";
  }
  return probed;
}

}  // namespace crucible
