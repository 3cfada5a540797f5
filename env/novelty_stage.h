#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

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
///
/// Known are the package's kernels and the current snapshot of an archive: of `archive`, which also receives what is
/// discovered, or of the user's own where `archive` is empty, which receives nothing.
class NoveltyStage {
 public:
  /// `device` is where speedups of archived kernels count. Makes `archive` when it is named and missing. Throws
  /// ConfigError when it is no archive or cannot be written.
  NoveltyStage(std::string backend, std::string known_directory, std::string cache_directory, Toolchain toolchain,
               std::string archive = {}, std::string device = {});

  /// Compiles a normalised text in the jail as this backend's candidates are.
  CompileResult compile(const std::string& source, const std::string& entry_point, Warden& warden,
                        std::stop_token stop) const;
  /// Features of one compiled source.
  KernelFeatures features_of(const CompileResult& compiled, const std::string& entry_point) const;

  /// Facts about features; makes the task's known set ready when it is not. A failure of the analyser, or of making the
  /// set, is a fact too (empty score and the reason), never an exception; Cancelled passes.
  NoveltyFacts assess(const Task& task, const KernelFeatures& features, const WardenSource& warden,
                      std::stop_token stop);

  /// Archives a kernel whose novelty is paid under the default rules (correct, fast enough, new). It becomes known when
  /// somebody advances the archive's snapshot, so that all samples of a group are paid alike. False when it is not
  /// archived, or no archive was named. Throws ConfigError naming an archive that cannot be written.
  bool discover(const Task& task, std::string_view source, const KernelFeatures& features, const Evaluation& facts);

  /// The known set of a task, as of the archive's current snapshot. Throws ConfigError for a wrong index.
  KnownSet known_set(const std::string& task, const WardenSource& warden, std::stop_token stop);

 private:
  KernelFeatures known_features(const std::string& task, const std::string& file, const WardenSource& warden,
                                std::stop_token stop);

  std::string backend_;
  std::string known_directory_;
  std::string cache_directory_;
  Toolchain toolchain_;
  std::string archive_;
  std::string device_;
  std::mutex mutex_;
  std::map<std::string, std::vector<KnownKernel>> frozen_;        ///< the package's, by task
  std::map<std::string, std::pair<std::string, KnownSet>> sets_;  ///< with the archive's snapshot they hold
};

}  // namespace crucible
