#pragma once

#include <memory>
#include <string>
#include <vector>

#include "env/archive/archive.h"
#include "reward/novelty/known_set.h"

namespace crucible {

/// The archive that commands use when none is named: $XDG_DATA_HOME/crucible/archive.sqlite, else under ~/.local/share.
/// The file need not exist.
std::string user_archive_path();

/// Opens, or makes, an archive. Throws ConfigError that names the file.
std::unique_ptr<Archive> open_archive(const std::string& path);

/// The hash of an archive's current snapshot; empty when the file does not exist. Throws ConfigError as below.
std::string archive_snapshot(const std::string& path);

/// The kernels of `task` and `backend` in the archive at `path`: those of its current snapshot, or with `pending` all
/// that have arrived; with the speedups that were measured on `device`. Empty when the file does not exist. Throws
/// ConfigError naming a file that is no archive.
std::vector<KnownKernel> archived_kernels(const std::string& path, const std::string& task, const std::string& backend,
                                          bool pending, const std::string& device = {});

}  // namespace crucible
