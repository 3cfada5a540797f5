#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "sandbox/jail/spec.h"

namespace crucible {

/// What the host allows, found by raising the walls once around a process that does nothing.
struct ProbedLevel {
  std::string level;                    ///< "full", "user" or "container"; empty: not even the mandatory walls stand
  JailWalls walls;                      ///< to be copied into every plan (uid excepted)
  std::map<std::string, bool> reached;  ///< every wall by name
  std::string missing;                  ///< why the next higher level was not reached
};

/// Tries the levels from the highest down. `try_plan` runs one plan and returns an empty text, or what failed.
/// `highest` ("", "user", "container") lowers where it starts.
ProbedLevel probe_level(const std::string& highest, const std::function<std::string(const JailPlan&)>& try_plan);

}  // namespace crucible
