#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <stop_token>
#include <string>

#include "env/task/task.h"
#include "env/toolchain.h"
#include "reward/evaluation.h"
#include "reward/novelty/novelty.h"
#include "sandbox/warden/warden.h"

namespace crucible {

/// Where a warden comes from when one is needed: a set that is in memory or on disk needs none.
using WardenSource = std::function<std::shared_ptr<Warden>()>;

/// Measures how new a candidate is: features of its compiled form against the known set of its task. Features of known
/// kernels come from compiling them in the jail once; they are cached by source and toolchain. Thread-safe.
class NoveltyStage {
 public:
  NoveltyStage(std::string backend, std::string known_directory, std::string cache_directory, Toolchain toolchain);

  /// Compiles a normalised text in the jail as this backend's candidates are.
  CompileResult compile(const std::string& source, const std::string& entry_point, Warden& warden,
                        std::stop_token stop) const;
  /// Features of one compiled source.
  KernelFeatures features_of(const CompileResult& compiled, const std::string& entry_point) const;

  /// Facts about features; makes the task's known set ready when it is not. A failure of the analyser, or of making the
  /// set, is a fact too (empty score and the reason), never an exception; Cancelled passes.
  NoveltyFacts assess(const Task& task, const KernelFeatures& features, const WardenSource& warden,
                      std::stop_token stop);

  /// The known set of a task. Throws ConfigError for a wrong index.
  KnownSet known_set(const std::string& task, const WardenSource& warden, std::stop_token stop);

 private:
  KernelFeatures known_features(const std::string& task, const std::string& file, const WardenSource& warden,
                                std::stop_token stop);

  std::string backend_;
  std::string known_directory_;
  std::string cache_directory_;
  Toolchain toolchain_;
  std::mutex mutex_;
  std::map<std::string, KnownSet> sets_;
};

}  // namespace crucible
