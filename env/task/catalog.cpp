#include <algorithm>
#include <filesystem>
#include <set>

#include "env/config_error.h"
#include "env/task/task.h"

namespace crucible {

std::vector<std::string> task_names(const std::vector<std::string>& directories) {
  std::set<std::string> names;
  for (const std::string& directory : directories) {
    std::error_code error;
    for (const auto& entry : std::filesystem::directory_iterator(directory, error))
      if (entry.path().extension() == ".yaml") names.insert(entry.path().stem().string());
    if (error) throw ConfigError(directory + ": cannot list the task directory: " + error.message());
  }
  return {names.begin(), names.end()};
}

std::shared_ptr<const Task> find_task(std::string_view name, const std::vector<std::string>& directories,
                                      const std::string& backend) {
  const std::vector<std::string> known = task_names(directories);
  if (std::find(known.begin(), known.end(), name) != known.end()) {
    for (const std::string& directory : directories) {
      const std::filesystem::path path = std::filesystem::path(directory) / (std::string(name) + ".yaml");
      if (!std::filesystem::exists(path)) continue;
      std::shared_ptr<const Task> task = load_task(path.string(), backend);
      if (task->name != name)
        throw ConfigError(path.string() + ": task: is '" + task->name +
                          "'; name the file as the task, or the other way round");
      return task;
    }
  }
  throw ConfigError("no task is called '" + std::string(name) + "'" + did_you_mean(name, known));
}

}  // namespace crucible
