#include "env/backend/cuda/device_name.h"

#include <algorithm>
#include <filesystem>
#include <fstream>

namespace crucible {

std::vector<std::string> cuda_devices() {
  std::vector<std::pair<std::string, std::string>> found;  // PCI address, model
  std::error_code error;
  for (const auto& gpu : std::filesystem::directory_iterator("/proc/driver/nvidia/gpus", error)) {
    std::ifstream file(gpu.path() / "information");
    for (std::string line; std::getline(file, line);) {
      constexpr std::string_view key = "Model:";
      if (!line.starts_with(key)) continue;
      const std::size_t first = line.find_first_not_of(" \t", key.size());
      found.emplace_back(gpu.path().filename().string(),
                         first == std::string::npos ? "NVIDIA GPU" : line.substr(first));
    }
  }
  std::sort(found.begin(), found.end());
  std::vector<std::string> names;
  for (auto& [address, name] : found) names.push_back(std::move(name));
  return names;
}

}  // namespace crucible
