#include "env/novelty_desk.h"

#include <filesystem>

#include "env/archive/archive.h"
#include "env/config_error.h"
#include "env/run_directory.h"
#include "env/source.h"
#include "env/user_archive.h"

namespace crucible {

NoveltyDesk::NoveltyDesk(std::string backend, std::string config_directory, std::string libexec)
    : backend_(std::move(backend)), libexec_(std::move(libexec)) {
  if (backend_ != "cpu" && backend_ != "cuda")
    throw ConfigError("backend: '" + backend_ + "'" + did_you_mean(backend_, {"cpu", "cuda"}));
  toolchain_ = backend_ == "cuda" ? cuda_toolchain() : cpu_toolchain();
  stage_ = std::make_unique<NoveltyStage>(backend_, config_directory + "/known_optimizations",
                                          cache_directory() + "/features", toolchain_);
}

KernelFeatures NoveltyDesk::features(const std::string& task, std::string_view source, std::stop_token stop) {
  if (const std::optional<std::string> why = malformed(source)) throw ConfigError(*why);
  if (!warden_) warden_ = Warden::launch({libexec_, ""});
  const CompileResult compiled = stage_->compile(normalised_text(source), task, *warden_, stop);
  if (compiled.status != CompileResult::Status::ok)
    throw ConfigError("the source does not compile:\n" + compiled.diagnostics);
  return stage_->features_of(compiled, task);
}

NoveltyFacts NoveltyDesk::assess(const std::string& task, std::string_view source, const std::string& archive,
                                 std::stop_token stop) {
  const KernelFeatures mine = features(task, source, stop);
  if (!archive.empty()) {
    if (!std::filesystem::exists(archive)) throw ConfigError(archive + ": no such archive; `archive add` makes one");
    return crucible::assess(mine, KnownSet(archived_kernels(archive, task, backend_, true)), task);
  }
  return crucible::assess(mine,
                          stage_->known_set(
                              task, [this] { return warden_; }, stop),
                          task);
}

std::string NoveltyDesk::add(const std::string& task, std::string_view source, const std::string& name,
                             const std::string& archive, std::stop_token stop) {
  ArchivedKernel kernel;
  kernel.task = task;
  kernel.name = name;
  kernel.origin = "known";
  kernel.backend = backend_;
  kernel.source = std::string(source);
  kernel.features = features(task, source, stop);
  if (!kernel.features.failure.empty()) throw ConfigError("the analyser cannot read it: " + kernel.features.failure);
  const std::string path = archive.empty() ? user_archive_path() : archive;
  const std::filesystem::path folder = std::filesystem::path(path).parent_path();
  std::error_code ignored;
  if (!folder.empty()) std::filesystem::create_directories(folder, ignored);
  try {
    const std::unique_ptr<Archive> opened = Archive::open(path);
    const std::int64_t id = opened->add(kernel);
    for (const ArchivedKernel& each : opened->list(task))
      if (each.id == id) return each.name;
  } catch (const std::exception& error) {
    throw ConfigError(path + ": " + error.what());
  }
  return name;
}

}  // namespace crucible
