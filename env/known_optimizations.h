#pragma once

#include <string>
#include <vector>

namespace crucible {

/// One entry of a task's known set, as configs/known_optimizations/TASK/index.yaml lists it.
struct KnownOptimization {
  std::string name;         ///< unique within the task
  std::string file;         ///< absolute path of its source
  std::string description;  ///< one line
};

/// The known optimizations of a task, in the order of its index. Empty when the folder has no index. Throws ConfigError
/// naming file and line when the index is wrong or names a file that is not there.
std::vector<KnownOptimization> known_optimizations(const std::string& directory, const std::string& task);

}  // namespace crucible
