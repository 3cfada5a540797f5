#pragma once

#include <string>

namespace crucible {

/// A run directory: configuration, secret (mode 0600), records, cache. Made with mode 0700.
struct RunDirectory {
  std::string path;
  std::string secret;  ///< 32 raw bytes, or what the user configured
};

/// Opens or makes it. An empty `path` makes a fresh folder under runs/ of the working directory. An empty `secret`
/// takes the directory's, drawn once from the kernel's generator. Throws ConfigError when it cannot be made or read.
RunDirectory open_run_directory(const std::string& path, const std::string& secret);

/// $XDG_CACHE_HOME/crucible, else ~/.cache/crucible, else a folder of /tmp of this user; made with mode 0700.
std::string cache_directory();

}  // namespace crucible
