#include "env/user_archive.h"

#include <cstdlib>
#include <filesystem>

#include "env/archive/archive.h"
#include "env/config_error.h"

namespace crucible {

std::string user_archive_path() {
  const char* data = std::getenv("XDG_DATA_HOME");
  const char* home = std::getenv("HOME");
  const std::string base = data != nullptr && *data != '\0'   ? std::string(data)
                           : home != nullptr && *home != '\0' ? std::string(home) + "/.local/share"
                                                              : std::string("/tmp");
  return base + "/crucible/archive.sqlite";
}

std::unique_ptr<Archive> open_archive(const std::string& path) {
  try {
    return Archive::open(path);
  } catch (const std::runtime_error& error) {
    throw ConfigError(path + ": " + error.what());
  }
}

std::string archive_snapshot(const std::string& path) {
  if (!std::filesystem::exists(path)) return {};
  try {
    const ArchiveSnapshot current = Archive::open(path)->current();
    return std::to_string(current.epoch) + ":" + current.hash;
  } catch (const std::runtime_error& error) {
    throw ConfigError(path + ": " + error.what());
  }
}

std::vector<KnownKernel> archived_kernels(const std::string& path, const std::string& task, const std::string& backend,
                                          bool pending, const std::string& device) {
  std::vector<KnownKernel> kernels;
  if (!std::filesystem::exists(path)) return kernels;
  try {
    const std::unique_ptr<Archive> archive = Archive::open(path);
    const std::int64_t known_up_to = archive->current().last_id;
    for (ArchivedKernel& archived : archive->list(task)) {
      if (archived.backend != backend || (!pending && archived.id > known_up_to)) continue;
      KnownKernel kernel;
      kernel.name = archived.name;
      kernel.task = archived.task;
      kernel.origin = archived.origin;
      if (!device.empty() && archived.device == device) kernel.speedup = archived.speedup;
      kernel.features = std::move(archived.features);
      kernels.push_back(std::move(kernel));
    }
  } catch (const std::runtime_error& error) {
    throw ConfigError(path + ": " + error.what());
  }
  return kernels;
}

}  // namespace crucible
