#include "env/baseline/registry.h"

#include <algorithm>
#include <filesystem>
#include <system_error>

namespace crucible {

std::vector<BaselinePlugin> baseline_plugins(const std::string& libexec_directory) {
  std::vector<BaselinePlugin> plugins;
  std::error_code error;
  const std::filesystem::path folder = std::filesystem::path(libexec_directory) / "baselines";
  for (const auto& entry : std::filesystem::directory_iterator(folder, error)) {
    if (entry.path().extension() != ".so" || !entry.is_regular_file(error)) continue;
    plugins.push_back({entry.path().stem().string(), std::filesystem::absolute(entry.path(), error).string()});
  }
  std::sort(plugins.begin(), plugins.end(),
            [](const BaselinePlugin& a, const BaselinePlugin& b) { return a.name < b.name; });
  return plugins;
}

}  // namespace crucible
