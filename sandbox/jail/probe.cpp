#include "sandbox/jail/probe.h"

#include <sys/utsname.h>
#include <unistd.h>

#include <cstdio>

#include "sandbox/jail/landlock.h"

namespace crucible {
namespace {

struct Attempt {
  std::string level;
  bool own_uid;
};

// From the strongest to the weakest. Root may lack the right to change its uid (a stripped or rootless container).
std::vector<Attempt> attempts(const std::string& highest) {
  const bool root = ::geteuid() == 0;
  std::vector<Attempt> all;
  if (root && highest.empty()) all.push_back({"full", true});
  for (const char* level : {"user", "container"}) {
    if (highest == "container" && level != highest) continue;
    if (root) all.push_back({level, true});
    all.push_back({level, false});
  }
  return all;
}

// Since Linux 5.14 a user namespace has a process count of its own.
bool namespaces_count_processes() {
  utsname name{};
  int major = 0, minor = 0;
  if (::uname(&name) != 0 || std::sscanf(name.release, "%d.%d", &major, &minor) != 2) return false;
  return major > 5 || (major == 5 && minor >= 14);
}

JailWalls walls_of(const Attempt& attempt) {
  JailWalls walls;
  const bool namespaces = attempt.level != "container";
  walls.user_namespace = attempt.level == "user";
  walls.pid_namespace = walls.mount_namespace = walls.net_namespace = walls.ipc_namespace = walls.uts_namespace =
      namespaces;
  walls.own_uid = attempt.own_uid;
  walls.landlock = landlock_version() > 0;
  walls.counts_processes = attempt.own_uid || (walls.user_namespace && namespaces_count_processes());
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

ProbedLevel probe_level(const std::string& highest, const std::function<std::string(const JailPlan&)>& try_plan) {
  ProbedLevel probed;
  if (!highest.empty()) probed.missing = "CRUCIBLE_SANDBOX_LEVEL lowers it to " + highest + "; ";
  if (highest.empty() && ::geteuid() != 0) probed.missing = "full: needs root; ";
  for (const Attempt& attempt : attempts(highest)) {
    const JailWalls walls = walls_of(attempt);
    const std::string failure = try_plan(probe_plan(walls));
    if (failure.empty()) {
      probed.level = attempt.level;
      probed.walls = walls;
      probed.reached = named(walls);
      return probed;
    }
    probed.missing += attempt.level + (attempt.own_uid ? " with its own uid: " : ": ") + failure + "; ";
  }
  return probed;
}

}  // namespace crucible
