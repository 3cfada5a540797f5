#pragma once

#include <string>
#include <vector>

#include "reward/novelty/known_set.h"

namespace crucible {

/// The archive that commands use when none is named: $XDG_DATA_HOME/crucible/archive.sqlite, else under ~/.local/share.
/// The file need not exist.
std::string user_archive_path();

/// The kernels of `task` and `backend` in the archive at `path`: those of its current snapshot, or with `pending` all
/// that have arrived. Empty when the file does not exist. Throws ConfigError naming a file that is no archive.
std::vector<KnownKernel> archived_kernels(const std::string& path, const std::string& task, const std::string& backend,
                                          bool pending);

}  // namespace crucible
