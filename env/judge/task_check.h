#pragma once

#include <string>
#include <vector>

#include "env/judge/prepared_task.h"

namespace crucible {

/// One finding about a task. Errors refuse it: no kernel may be paid against it.
struct TaskProblem {
  bool error = false;
  std::string key;   ///< where in the YAML, or which case
  std::string what;  ///< one sentence
};

/// Whether a prepared task can tell right from wrong (DESIGN.md, "Correct means"): every family counts for something, a
/// trivial program fails the task, every argument matters to some output, references are neither zero nor constant, and
/// no evidence comes from empty shapes. Works on references alone; runs no kernel.
std::vector<TaskProblem> check_references(const PreparedTask& prepared);

}  // namespace crucible
