#include "env/novelty_stage.h"

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <system_error>

#include "env/known_optimizations.h"
#include "env/sha256.h"
#include "env/source.h"
#include "env/user_archive.h"
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
                           Toolchain toolchain)
    : backend_(std::move(backend)),
      known_directory_(std::move(known_directory) + (backend_ == "cuda" ? "/cuda" : "")),
      cache_directory_(std::move(cache_directory)),
      toolchain_(std::move(toolchain)) {}

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
  if (const auto at = sets_.find(task); at != sets_.end()) return at->second;
  std::vector<KnownKernel> kernels;
  for (const KnownOptimization& known : known_optimizations(known_directory_, task)) {
    KnownKernel kernel;
    kernel.name = known.name;
    kernel.task = task;
    kernel.features = known_features(task, known.file, warden, stop);
    kernels.push_back(std::move(kernel));
  }
  // What the user added and advanced is known as well.
  for (KnownKernel& kernel : archived_kernels(user_archive_path(), task, backend_, false))
    kernels.push_back(std::move(kernel));
  return sets_.emplace(task, KnownSet(std::move(kernels))).first->second;
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
