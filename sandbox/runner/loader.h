#pragma once

#include <string>

namespace crucible {

/// A loaded artifact's entry point, or why there is none.
struct LoadedEntry {
  void* address = nullptr;
  std::string error;
};

/// Loads one shared object with everything resolved and nothing exported to others, and finds its entry point. Its
/// constructors run here.
LoadedEntry load_entry(const std::string& path, const std::string& entry_point);

/// A path under which the loader can open the artifact behind `fd`: /proc/self/fd/N, or a copy in the current folder
/// where /proc is missing. Empty when neither works.
std::string loadable_path(int fd);

}  // namespace crucible
