#include "env/known_optimizations.h"

#include <yaml-cpp/yaml.h>

#include <filesystem>

#include "env/config_error.h"

namespace crucible {

std::vector<KnownOptimization> known_optimizations(const std::string& directory, const std::string& task) {
  const std::filesystem::path folder = std::filesystem::path(directory) / task;
  const std::string index = (folder / "index.yaml").string();
  std::vector<KnownOptimization> all;
  if (!std::filesystem::exists(index)) return all;
  YAML::Node root;
  try {
    root = YAML::LoadFile(index);
  } catch (const YAML::Exception& error) {
    throw ConfigError(index + ": " + error.what());
  }
  const YAML::Node list = root.IsSequence() ? root : root["kernels"];
  if (!list || !list.IsSequence()) throw ConfigError(index + ": expected a list of kernels");
  for (const YAML::Node& node : list) {
    const std::string at = index + ":" + std::to_string(node.Mark().line + 1);
    if (!node.IsMap() || !node["name"] || !node["file"]) throw ConfigError(at + ": a kernel needs 'name' and 'file'");
    KnownOptimization known;
    known.name = node["name"].as<std::string>();
    known.file = (folder / node["file"].as<std::string>()).string();
    if (node["description"]) known.description = node["description"].as<std::string>();
    if (!std::filesystem::exists(known.file)) throw ConfigError(at + ": file: " + known.file + " does not exist");
    all.push_back(std::move(known));
  }
  return all;
}

}  // namespace crucible
