#pragma once

#include <string>
#include <vector>

namespace crucible {

/// A production library behind the candidates' own entry points: a shared object that a trusted runner loads.
/// It exports `crucible_baseline_name`, `crucible_baseline_version` and an entry point for each task that it serves; an
/// entry point that returns non-zero does not serve that call.
struct BaselinePlugin {
  std::string name;  ///< "intree", "onednn", …: the file's stem
  std::string path;  ///< absolute
};

/// The plug-ins installed under `libexec_directory`/baselines, sorted by name. Empty when there are none or the folder
/// does not exist. Loads nothing.
std::vector<BaselinePlugin> baseline_plugins(const std::string& libexec_directory);

}  // namespace crucible
