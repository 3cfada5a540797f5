#include "env/novelty_stage.h"

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <system_error>

#include "env/archive/archive.h"
#include "env/config_error.h"
#include "env/known_optimizations.h"
#include "env/sha256.h"
#include "env/source.h"
#include "env/user_archive.h"
#include "reward/terms/novelty.h"
#include "sandbox/compile/cuda/cuda_compile.h"

namespace crucible {
namespace {

std::string slurp(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

}  // namespace

NoveltyStage::NoveltyStage(std::string backend, std::string known_directory, std::string cache_directory,
                           Toolchain toolchain, std::string archive, std::string device)
    : backend_(std::move(backend)),
      known_directory_(std::move(known_directory) + (backend_ == "cuda" ? "/cuda" : "")),
      cache_directory_(std::move(cache_directory)),
      toolchain_(std::move(toolchain)),
      archive_(std::move(archive)),
      device_(std::move(device)) {
  if (archive_.empty()) return;
  std::error_code ignored;  // what is wrong shows when it is opened
  if (const auto folder = std::filesystem::path(archive_).parent_path(); !folder.empty())
    std::filesystem::create_directories(folder, ignored);
  open_archive(archive_);
}

CompileResult NoveltyStage::compile(const std::string& source, const std::string& entry_point, Warden& warden,
                                    std::stop_token stop) const {
  if (backend_ == "cuda") {
    CudaCompileRequest request;
    request.source = source;
    request.entry_point = entry_point;
    request.nvcc = toolchain_.arguments.front();
    return compile_cuda(warden, request, stop).host;
  }
  CompileRequest request;
  request.source = source;
  request.entry_point = entry_point;
  request.arguments = toolchain_.arguments;
  return warden.compile(request, stop);
}

KernelFeatures NoveltyStage::features_of(const CompileResult& compiled, const std::string& entry_point) const {
  if (backend_ == "cuda") return extract_features(CudaSource{compiled.preprocessed, compiled.assembly, {}});
  KernelFeatures features =
      extract_features(CpuSource{compiled.preprocessed, compiled.gimple, compiled.assembly, entry_point});
  if (features.failure.empty()) features.failure = compiled.view_failure;
  return features;
}

KernelFeatures NoveltyStage::known_features(const std::string& task, const std::string& file,
                                            const WardenSource& warden, std::stop_token stop) {
  const std::string source = normalised_text(slurp(file));
  Sha256 hash;
  hash.update(std::to_string(KernelFeatures::kVersion)).update(task).update(toolchain_.version).update(source);
  for (const std::string& argument : toolchain_.arguments) hash.update(argument);
  const std::string cached = cache_directory_ + "/" + to_hex(hash.finish()) + ".features";
  if (const std::string bytes = slurp(cached); !bytes.empty()) {
    try {
      return features_from_bytes(bytes);
    } catch (const std::runtime_error&) {  // torn or of another version: made again below
    }
  }
  const CompileResult compiled = compile(source, task, *warden(), stop);
  if (compiled.status != CompileResult::Status::ok)
    throw std::runtime_error(file + " does not compile: " + compiled.diagnostics.substr(0, 500));
  KernelFeatures features = features_of(compiled, task);
  std::error_code ignored;
  std::filesystem::create_directories(cache_directory_, ignored);
  const std::string fresh = cached + "." + std::to_string(::getpid());
  {
    std::ofstream out(fresh, std::ios::binary | std::ios::trunc);
    out << to_bytes(features);
  }
  std::filesystem::rename(fresh, cached, ignored);
  return features;
}

KnownSet NoveltyStage::known_set(const std::string& task, const WardenSource& warden, std::stop_token stop) {
  std::lock_guard guard(mutex_);
  const std::string path = archive_.empty() ? user_archive_path() : archive_;
  const std::string snapshot = archive_snapshot(path);
  if (const auto at = sets_.find(task); at != sets_.end() && at->second.first == snapshot) return at->second.second;
  if (frozen_.find(task) == frozen_.end()) {
    std::vector<KnownKernel> kernels;
    for (const KnownOptimization& known : known_optimizations(known_directory_, task)) {
      KnownKernel kernel;
      kernel.name = known.name;
      kernel.task = task;
      kernel.features = known_features(task, known.file, warden, stop);
      kernels.push_back(std::move(kernel));
    }
    frozen_.emplace(task, std::move(kernels));
  }
  std::vector<KnownKernel> kernels = frozen_.at(task);
  for (KnownKernel& kernel : archived_kernels(path, task, backend_, false, device_))
    kernels.push_back(std::move(kernel));
  return sets_.insert_or_assign(task, std::pair{snapshot, KnownSet(std::move(kernels))}).first->second.second;
}

bool NoveltyStage::discover(const Task& task, std::string_view source, const KernelFeatures& features,
                            const Evaluation& facts) {
  if (archive_.empty() || facts.verdict != Verdict::correct || !features.failure.empty()) return false;
  if (judge_novelty(facts, NoveltyRules{}).novelty <= 0) return false;
  ArchivedKernel kernel;
  kernel.task = task.name;
  kernel.origin = "discovered";
  kernel.backend = facts.backend;
  kernel.device = facts.device;
  if (facts.speedup) kernel.speedup = facts.speedup->estimate;
  kernel.source = std::string(source);
  kernel.features = features;
  try {
    open_archive(archive_)->add(kernel);
  } catch (const std::exception& error) {
    throw ConfigError(archive_ + ": " + error.what());
  }
  return true;
}

NoveltyFacts NoveltyStage::assess(const Task& task, const KernelFeatures& features, const WardenSource& warden,
                                  std::stop_token stop) {
  try {
    return crucible::assess(features, known_set(task.name, warden, stop), task.name);
  } catch (const Cancelled&) {
    throw;
  } catch (const std::exception& error) {
    NoveltyFacts facts;
    facts.failure = error.what();
    return facts;
  }
}

}  // namespace crucible
